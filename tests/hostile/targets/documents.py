"""Single files: recipes, labels, prompts, questions, reports, results and settings."""

import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mmdet_medglip.answers.presence import PhrasePresence, PresenceCalibration
from mmdet_medglip.answers.presence_file import load_presence, save_presence
from mmdet_medglip.benchmark.state import read_state
from mmdet_medglip.benchmark.suite import load_suite
from mmdet_medglip.datasets.sources.coco import CocoSource
from mmdet_medglip.datasets.sources.odvg import OdvgSource
from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.report.readers import (
    read_mimic_cxr,
    read_openi_csv,
    read_openi_xml,
    read_report_jsonl,
)
from mmdet_medglip.downstream.report.reading import ReportReading
from mmdet_medglip.downstream.task_text import read_task_texts
from mmdet_medglip.downstream.vqa.question_set import QuestionSet
from mmdet_medglip.downstream.vqa.readers import READERS
from mmdet_medglip.engine.task_comparison import read_comparison
from mmdet_medglip.evaluation import load_results, save_results
from mmdet_medglip.ingest.recipe import available_recipes, load_recipe
from mmdet_medglip.ingest.rejects import Reject, read_rejects, write_rejects
from mmdet_medglip.ontology import DEFAULT_LABELS, Ontology
from mmdet_medglip.text import parse_phrases, parse_prompt, parse_report
from tests.evaluation.test_result_file import caption_image, label_image
from tests.hostile.mutators import BINARY, TEXT, in_zip, json_values
from tests.hostile.target import BrokenPromiseError, Mutator, Target
from tests.ingest.faults.raster import picture
from tests.ingest.faults.written import coco_document, odvg_line

__all__ = ['TARGETS']

_JSON = (*TEXT, json_values, json_values, json_values)


def _file(
    name: str,
    file: str,
    seeds: Sequence[bytes],
    mutators: Sequence[Mutator],
    read: Callable[[Path], Any],
    **bounds: int,
) -> Target:
    """Make a target of one file that ``read`` reads and checks."""

    def check(content: bytes, folder: Path) -> None:
        path = folder / file
        path.write_bytes(content)
        read(path)

    return Target(name, seeds, mutators, check, (file, 'Recipe '), **bounds)


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise BrokenPromiseError(what)


# Text. Bytes that are no UTF-8 become lone surrogates, which are refused.


def _text(content: bytes) -> str:
    return content.decode('utf-8', 'surrogateescape')


def _check_prompt(content: bytes, folder: Path) -> None:
    prompt = parse_prompt(_text(content))
    _must(len(set(prompt.phrases)) == len(prompt), 'a phrase is there twice')
    for phrase, spans in zip(prompt.phrases, prompt.spans, strict=True):
        (start, end), *more = spans
        _must(not more and prompt.caption[start:end] == phrase, f'{phrase!r} is not at its span')
    _must(prompt.is_list, 'a list is no list')


def _check_phrases(content: bytes, folder: Path) -> None:
    text = _text(content)
    parsed, prompt = parse_phrases(text), parse_prompt(text)
    _must(len(parsed.mentions) == len(prompt), 'phrases are lost')
    _check_mentions(parsed)


def _check_report(content: bytes, folder: Path) -> None:
    text = _text(content)
    parsed = parse_report(text)
    _must(parsed.text == text, 'the text was changed')
    _check_mentions(parsed)


def _check_mentions(parsed: Any) -> None:
    for mention in parsed.mentions:
        start, end = mention.span
        _must(parsed.text[start:end] == mention.text, f'{mention.text!r} is not at its span')
    for start, end in parsed.sentences:
        _must(0 <= start < end <= len(parsed.text), 'a sentence is outside the text')


_PROMPTS = (
    b'Detect: left kidney, 5 mm nodule; fracture',
    b'optic disc . optic cup .',
    '["liver", {"phrase": "rein gauche é"}]'.encode(),
    b'polyp',
)
_REPORTS = (
    b'FINDINGS: No effusion or pneumothorax. A 5 x 3 mm nodule in the left upper lobe, unchanged '
    b'since 2001. IMPRESSION: 1. Possible pneumonia.\n2. Stable 1.2 cm cyst of the right kidney.',
    'Leberläsion 3\u00a0cm; kein Nachweis. Heart size is normal. Bilateral pleural effusions, '
    'left greater than right.'.encode(),
)

# YAML


def _recipe_text(name: str) -> bytes:
    import mmdet_medglip.ingest.recipe as module

    return (Path(module.__file__).with_name('recipes') / f'{name}.yaml').read_bytes()


def _read_recipe(path: Path) -> None:
    recipe = load_recipe(path)
    _must(len(recipe.digest) == 64, 'a recipe has no digest')
    recipe.label_map(Ontology.default())


def _suite_text() -> bytes:
    import mmdet_medglip.benchmark.suite as module

    return (Path(module.__file__).with_name('suites') / 'demo.yaml').read_bytes()


def _small_ontology() -> bytes:
    """A few of the packaged labels."""
    data = yaml.safe_load(DEFAULT_LABELS.read_text())
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


def _read_ontology(path: Path) -> None:
    ontology = Ontology.from_yaml(path)
    for label in ontology.labels[:50]:
        ontology.info(label)
        ontology.display_name(label)


# Lines and lists of questions and reports


def _question(number: int) -> dict[str, Any]:
    return {
        'question_id': f'q{number}',
        'image_id': f'i{number}',
        'image_path': 'a.png',
        'question': 'Is there an effusion?',
        'answer': 'yes',
        'answer_type': 'closed',
        'patient_id': 'p',
    }


def _lines(rows: Sequence[Any]) -> bytes:
    return b''.join(json.dumps(row, ensure_ascii=False).encode() + b'\n' for row in rows)


def _check_questions(found: QuestionSet, given: int | None) -> None:
    ids = [record.question_id for record in found.records]
    _must(len(set(ids)) == len(ids), 'a question is there twice')
    _must(all(r.question.strip() and r.answer.strip() for r in found.records), 'an empty question')
    counted = len(found) + len(found.skipped) + sum(found.left_out.values())
    _must(given is None or counted == given, f'{counted} of {given} questions are accounted for')
    found.summary().encode()


def _questions(kind: str, file: str, seeds: Sequence[bytes], mutators: Any, lines: bool) -> Target:
    def read(path: Path) -> None:
        (path.parent / 'a.png').write_bytes(picture(1))
        given = None
        if lines:
            given = sum(
                bool(line.strip(b' \t\r\n\x0b\x0c')) for line in path.read_bytes().split(b'\n')
            )
        found = READERS[kind](path, path.parent, skip_bad=True)
        _check_questions(
            found, given if lines and path.read_bytes()[:3] != b'\xef\xbb\xbf' else None
        )

    return _file(f'questions-{kind}', file, seeds, mutators, read)


def _rad() -> bytes:
    rows = [
        {
            'qid': number,
            'image_name': 'a.png',
            'question': 'Where?',
            'answer': 'left',
            'answer_type': 'OPEN',
            'image_organ': 'CHEST',
            'question_type': 'POS',
            'phrase_type': 'freeform',
            'image_case_url': 'https://example.org/a',
        }
        for number in range(3)
    ]
    return json.dumps(rows).encode()


def _slake() -> bytes:
    rows = [
        {
            'qid': number,
            'img_name': 'a.png',
            'question': 'Where?',
            'answer': 'left',
            'answer_type': 'OPEN',
            'q_lang': 'en',
            'img_id': 1,
        }
        for number in range(3)
    ]
    return json.dumps(rows).encode()


def _parquet(rows: int = 3) -> bytes:
    table = pa.table(
        {
            'image': [{'bytes': picture(n), 'path': None} for n in range(rows)],
            'question': ['where?'] * rows,
            'answer': ['yes'] * rows,
        }
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def _report(number: int) -> dict[str, Any]:
    return {
        'report_id': f'r{number}',
        'image_ids': ['i', 'j'],
        'image_paths': ['a.png', None],
        'findings': 'No effusion.',
        'impression': 'Normal.',
        'patient_id': 'p',
        'split': 'test',
    }


def _check_reports(found: ReportReading, given: int | None = None) -> None:
    ids = [record.report_id for record in found.records]
    _must(len(set(ids)) == len(ids), 'a report is there twice')
    for record in found.records:
        _must(len(record.image_ids) == len(record.image_paths) > 0, 'a report without images')
    for one in found.skipped:
        _must(bool(one.report_id and one.reason), f'skipped without a word: {one}')
    whole = len(ids) + sum(one.reason in _WHOLE for one in found.skipped)
    _must(given is None or whole == given, f'{whole} of {given} reports are accounted for')


_WHOLE = ('line is no report', 'no image', 'id is there twice')


def _read_reports(path: Path) -> None:
    (path.parent / 'a.png').write_bytes(picture(1))
    given = sum(bool(line.strip()) for line in path.read_bytes().split(b'\n'))
    _check_reports(read_report_jsonl(path), given)


def _read_openi_csv(path: Path) -> None:
    others = {
        'indiana_projections.csv': b'uid,filename,projection\n1,a.png,Frontal\n2,b.png,Lateral\n',
        'indiana_reports.csv': _OPENI,
    }
    for name, content in others.items():
        if name != path.name:
            (path.parent / name).write_bytes(content)
    _check_reports(read_openi_csv(path.parent))


_OPENI = b'uid,MeSH,findings,impression\n1,normal,"No, effusion.",Normal\n2,x,Nodule.,Cancer\n'
_OPENI_XML = (
    b'<?xml version="1.0" encoding="utf-8"?><eCitation><uId id="CXR1"/><MedlineCitation><Article>'
    b'<Abstract><AbstractText Label="FINDINGS">Clear.</AbstractText><AbstractText '
    b'Label="IMPRESSION">Normal.</AbstractText></Abstract></Article></MedlineCitation>'
    b'<parentImage id="CXR1_1"/><parentImage id="CXR1_2"/></eCitation>'
)


def _read_openi_xml(path: Path) -> None:
    (path.parent / '2.xml').write_bytes(_OPENI_XML.replace(b'CXR1', b'CXR2'))
    found = read_openi_xml(path.parent)
    _check_reports(found)
    whole = len(found.records) + len({one.report_id for one in found.skipped})
    _must(whole >= 2 or bool(found.skipped), 'a report is lost')
    _must(any(record.report_id == 'CXR2' for record in found.records), 'the sound one is lost')


_MIMIC = (
    b'dicom_id,study_id,subject_id,split\naa-bb,50000001,10000001,train\n'
    b'cc,50000002,10000002,test\n'
)


def _read_mimic(path: Path) -> None:
    for subject, study in ((10000001, 50000001), (10000002, 50000002)):
        folder = path.parent / f'files/p10/p{subject}'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f's{study}.txt').write_text(' FINDINGS: Clear.\n IMPRESSION: Normal.\n')
    _check_reports(read_mimic_cxr(path.parent, path.parent))


# Our own files


def _results() -> tuple[bytes, ...]:
    from mmdet_medglip.evaluation import Results

    results = Results(
        images=(caption_image(), label_image()),
        classes=('a', 'b', 'c'),
        class_names=('A', 'B', 'C'),
        config='c.py',
        checkpoint='c.pth',
        info={'k': 'v'},
    )
    return (_written(lambda path: save_results(path, results), 'r.npz'),)


def _written(write: Callable[[Path], Any], name: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def _read_results(path: Path) -> None:
    results = load_results(path)
    for image in results.images:
        count = len(image.boxes)
        _must(image.boxes.shape == (count, 4), 'boxes of another shape')
        _must(len(image.scores) == count == len(image.box_phrases), 'boxes without a score')
        _must(bool(np.isfinite(image.boxes).all()), 'a box is not finite')
        _must(
            bool(((image.box_phrases >= 0) & (image.box_phrases < len(image.phrases))).all())
            if count
            else True,
            'a box of no phrase',
        )
        _must(len(image.gt_boxes) == len(image.gt_labels) == len(image.gt_ignore), 'lost truth')
        _must(image.height > 0 and image.width > 0, 'an image without pixels')


def _presence() -> bytes:
    one = PhrasePresence(1.5, -0.5, 0.4, 3, 7)
    calibration = PresenceCalibration('box_score', one, {'liver': one})
    return _written(lambda path: save_presence(path, calibration), 'p.json')


def _read_rejects(path: Path) -> None:
    for row in read_rejects(path):
        _must(row.count >= 1 and isinstance(row.file, str), f'{row}')


def _rejects() -> bytes:
    rows = [Reject('s', f'{n}.png', 'read', 'why', 'what exactly', n + 1) for n in range(4)]
    return _written(lambda path: write_rejects(path, rows), 'rejects.parquet')


def _source(kind: Any) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        source = kind(path, path.parent, Ontology.default(), modality='endoscopy')
        for index in range(len(source)):
            record = source[index]
            for x1, y1, x2, y2 in (instance.bbox for instance in record.instances):
                inside = 0 <= x1 < x2 <= record.width and 0 <= y1 < y2 <= record.height
                _must(inside, f'a box outside its image: {record}')
            _must(not Path(record.image_path).is_absolute(), record.image_path)
            _must('..' not in Path(record.image_path).parts, record.image_path)
        source.instance_table()
        _must(source.declared_labels is not None, 'labels')

    return read


def _coco() -> bytes:
    return json.dumps(coco_document(dict.fromkeys('abc'))).encode()


def _odvg() -> bytes:
    grounding = {
        'caption': 'a polyp',
        'regions': [{'phrase': 'polyp', 'bbox': [4, 5, 14, 15], 'tokens_positive': [[2, 7]]}],
    }
    lines = [odvg_line('a'), odvg_line('b', detection={'instances': []})]
    lines.append({'filename': 'c.png', 'height': 24, 'width': 32, 'grounding': grounding})
    return _lines(lines)


_COMPARISON = {
    'base': 'a',
    'adaptation': 'b',
    'parameters': 5,
    'trainable': 2,
    'tasks': {'ct': {'coco/AP50': {'before': 0.5, 'after': None}}},
}
_STATE = {'train': {'status': 'done', 'parts': {'a': 'b'}}, 'test': None}


def _read_comparison(path: Path) -> None:
    found = read_comparison(path)
    _must(all(math.isnan(c.before) or isinstance(c.before, float) for c in found.changes), 'type')


def _read_log(path: Path) -> None:
    _must(all(isinstance(row, dict) for row in read_log(path)), 'a row is no object')


TARGETS = (
    Target('prompt', _PROMPTS, (*TEXT, json_values), _check_prompt, seconds=10),
    Target('phrases', _PROMPTS, (*TEXT, json_values), _check_phrases, seconds=10),
    Target('report', _REPORTS, TEXT, _check_report, seconds=10),
    _file(
        'recipe', 'r.yaml', [_recipe_text(n) for n in available_recipes()[:12]], TEXT, _read_recipe
    ),
    _file('suite', 's.yaml', [_suite_text()], TEXT, load_suite),
    _file('ontology', 'labels.yaml', [_small_ontology()], TEXT, _read_ontology),
    _questions('jsonl', 'q.jsonl', [_lines([_question(n) for n in range(3)])], _JSON, True),
    _questions('vqa-rad', 'q.json', [_rad()], _JSON, False),
    _questions('slake', 'q.json', [_slake()], _JSON, False),
    _questions('path-vqa', 'q.parquet', [_parquet()], BINARY, False),
    _file(
        'task-texts',
        'q.jsonl',
        [_lines([_question(n) for n in range(3)])],
        _JSON,
        lambda path: read_task_texts(path, 'vqa'),
    ),
    _file(
        'reports-jsonl', 'r.jsonl', [_lines([_report(n) for n in range(3)])], _JSON, _read_reports
    ),
    _file('reports-openi-csv', 'indiana_reports.csv', [_OPENI], TEXT, _read_openi_csv),
    _file(
        'reports-openi-projections',
        'indiana_projections.csv',
        [b'uid,filename,projection\n1,a.png,Frontal\n2,b.png,Lateral\n'],
        TEXT,
        _read_openi_csv,
    ),
    _file('reports-openi-xml', '1.xml', [_OPENI_XML], TEXT, _read_openi_xml),
    _file('reports-mimic', 'mimic-cxr-2.0.0-split.csv', [_MIMIC], TEXT, _read_mimic),
    _file(
        'results',
        'r.npz',
        _results(),
        (in_zip(BINARY), in_zip(BINARY), in_zip(TEXT), *BINARY),
        _read_results,
    ),
    _file('presence', 'p.json', [_presence()], _JSON, load_presence),
    _file('rejects', 'rejects.parquet', [_rejects()], BINARY, _read_rejects),
    _file('source-coco', 'a.json', [_coco()], _JSON, _source(CocoSource)),
    _file('source-odvg', 'a.jsonl', [_odvg()], _JSON, _source(OdvgSource)),
    _file('comparison', 'c.json', [json.dumps(_COMPARISON).encode()], _JSON, _read_comparison),
    _file('answer-log', 'a.jsonl', [_lines([{'id': 'a', 'x': 1}] * 3)], _JSON, _read_log),
    _file(
        'run-state',
        'state.json',
        [json.dumps(_STATE).encode()],
        _JSON,
        lambda path: read_state(path.parent),
    ),
)
