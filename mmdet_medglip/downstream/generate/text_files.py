"""Write the questions and reports of a store as plain jsonl, one file for each split.

The folder has ``vqa_<split>.jsonl`` and ``reports_<split>.jsonl``, and ``questions.json``, which
says how they were made and what was left out. ``image_path`` is relative to the store.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.structures import SPLITS

from .asked_question import AskedQuestion
from .asking import ask_all, usual_lengths
from .balance import balance
from .image_facts import ImageFacts, annotated_labels, facts_of
from .report_text import write_findings, write_impression

__all__ = ['SUMMARY_FILE', 'TextFiles', 'make_text_files']

SUMMARY_FILE = 'questions.json'


@dataclass(frozen=True)
class TextFiles:
    """What was written.

    Attributes:
        questions: All questions that were kept.
        reports: Number of reports by split.
        left_out: Number of questions that were not kept, by reason.
        silent: Number of images without a report: no annotated organ is there, and their source
            annotates no finding that could be denied.
    """

    questions: tuple[AskedQuestion, ...]
    reports: Mapping[str, int]
    left_out: Mapping[str, int]
    silent: int


def make_text_files(
    store: GroundingStore, out: Path, *, seed: int = 0, ontology: Ontology | None = None
) -> TextFiles:
    """Write questions and reports of every image of a store.

    The same store and seed give the same bytes. Splits are those of the store, so no patient is in
    two. Lengths are compared with the median of the training images.

    Args:
        store: With at least one labelled region.
        out: Folder, made if it is not there; files of an earlier call are replaced.
        seed: Of wordings, choices, and of what is left out for balance; at least 0.
        ontology: Names; the packaged one if None.

    Returns:
        What was written.

    Raises:
        ValueError: If the seed is negative, or nothing can be asked of the store.
    """
    if seed < 0:
        raise ValueError(f'seed must be at least 0, got {seed}.')
    ontology = ontology or Ontology.default()
    annotated = annotated_labels(store)
    paths: dict[str, str] = {}
    facts: list[ImageFacts] = []
    for record in store:
        labels = annotated.get((record.source, record.modality), ())
        facts.append(facts_of(record, labels, ontology))
        paths[record.image_id] = record.image_path
    thresholds = usual_lengths(one for one in facts if one.split == 'train')
    found = balance([q for one in facts for q in ask_all(one, thresholds, seed, ontology)], seed)
    if not found.questions:
        raise ValueError(
            f'Nothing can be asked of {store.root}: it has {len(store)} records and the labels '
            f'{", ".join(store.labels) or "none"}. Expected a label that is on some images and '
            'absent from others.'
        )
    reports = [line for one in facts if (line := _report_line(one, paths, seed, ontology))]
    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        asked = [_question_line(q, paths) for q in found.questions if q.split == split]
        _write(out / f'vqa_{split}.jsonl', asked)
        told = [line for of_split, line in reports if of_split == split]
        _write(out / f'reports_{split}.jsonl', told)
    written = TextFiles(
        questions=found.questions,
        reports={split: sum(of == split for of, _ in reports) for split in SPLITS},
        left_out=found.left_out,
        silent=len(facts) - len(reports),
    )
    _write_summary(out / SUMMARY_FILE, store, written, seed, thresholds)
    return written


def _question_line(question: AskedQuestion, paths: Mapping[str, str]) -> dict[str, Any]:
    line = asdict(question)
    return {
        'question_id': line['question_id'],
        'image_id': line['image_id'],
        'image_path': paths[question.image_id],
        'question': line['question'],
        'answer': line['answer'],
        'answer_type': line['answer_type'],
        'patient_id': line['patient_id'],
    }


def _report_line(
    facts: ImageFacts, paths: Mapping[str, str], seed: int, ontology: Ontology
) -> tuple[str, dict[str, Any]] | None:
    findings = write_findings(facts, seed, ontology)
    if not findings:
        return None
    return facts.split, {
        'report_id': facts.image_id,
        'image_ids': [facts.image_id],
        'image_paths': [paths[facts.image_id]],
        'findings': findings,
        'impression': write_impression(facts, ontology),
        'patient_id': facts.patient_id,
    }


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    text = ''.join(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
    replace_file(path, text.encode())


def _write_summary(
    path: Path,
    store: GroundingStore,
    written: TextFiles,
    seed: int,
    thresholds: Mapping[str, float],
) -> None:
    numbers = Counter(f'{q.split}/{q.kind}' for q in written.questions)
    summary = {
        'store': store.name,
        'seed': seed,
        'questions': dict(sorted(numbers.items())),
        'reports': dict(written.reports),
        'left_out': dict(written.left_out),
        'images_without_report': written.silent,
        'thresholds_mm': dict(thresholds),
    }
    replace_file(path, (json.dumps(summary, indent=2) + '\n').encode())
