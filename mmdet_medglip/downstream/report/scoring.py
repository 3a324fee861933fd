"""All scores of generated reports against their references."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .finding_scores import FindingScores, compare_findings
from .findings import find_findings
from .radeval_scores import radeval_scores
from .record import ReportRecord, Sections
from .text_overlap import overlap_scores
from .text_scores import TextScores

__all__ = ['ReportScores', 'score_reports']


@dataclass(frozen=True)
class ReportScores:
    """Scores of generated reports.

    Attributes:
        compared: Reports that have a reference and a generated text.
        missing: Ids of references without generated report; they are in no figure.
        extra: Ids of generated reports without reference.
        empty: Ids of compared reports whose generated text is blank; they count as such.
        findings: Finding-level scores of each compared report, in the order of ``compared``.
        text: Word overlap and RadEval.
    """

    compared: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    empty: tuple[str, ...]
    findings: tuple[FindingScores, ...]
    text: TextScores

    def total(self) -> FindingScores:
        """Return the finding-level scores of all compared reports."""
        return FindingScores.total(self.findings)

    def figures(self) -> dict[str, float]:
        """Return all figures by name; NaN where nothing defines one."""
        return {**self.total().figures(), **self.text.figures}

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON has it; NaN becomes null."""
        figures = self.figures()
        return {
            'figures': {k: v if math.isfinite(v) else None for k, v in figures.items()},
            'unavailable': dict(self.text.unavailable),
            'compared': len(self.compared),
            'missing': list(self.missing),
            'extra': list(self.extra),
            'empty': list(self.empty),
            'by_finding': {
                name: {'hits': one.hits, 'extra': one.extra, 'missed': one.missed}
                for name, one in sorted(self.total().by_name.items())
            },
        }


def score_reports(
    references: Sequence[ReportRecord],
    generated: Mapping[str, str],
    *,
    sections: Sections = 'findings',
    modality: str | None = None,
    overlaps: Sequence[str] | None = None,
    radeval: Sequence[str] = (),
    radeval_python: Path | None = None,
    allow_download: bool = False,
) -> ReportScores:
    """Score generated reports.

    Args:
        references: Reports that are right, with text in ``sections``.
        generated: Text by report id.
        sections: What of a reference is compared.
        modality: Of the images, by any of its names, see :func:`.findings.find_findings`.
        overlaps: Which of :data:`.text_overlap.OVERLAPS`; all if None.
        radeval: Metrics of RadEval, see :func:`.radeval_scores.radeval_scores`.
        radeval_python: Interpreter of its environment.
        allow_download: Whether RadEval may fetch weights.

    Returns:
        The scores.

    Raises:
        ValueError: No reference has a generated report, a reference has no text, or a name is not
            known.
    """
    blank = [record.report_id for record in references if not record.text(sections).strip()]
    if blank:
        raise ValueError(
            f'{len(blank)} references have no text in {sections!r}, such as {blank[0]!r}; leave '
            'them out.'
        )
    pairs = {
        record.report_id: (record.text(sections), generated[record.report_id])
        for record in references
        if record.report_id in generated
    }
    known = {record.report_id for record in references}
    if not pairs:
        first = references[0].report_id if references else ''
        raise ValueError(
            f'None of the {len(references)} references has one of the {len(generated)} generated '
            f'reports: ids of references are such as {first!r}, of generated ones '
            f'such as {next(iter(generated), "")!r}.'
        )
    ours, theirs = ([pair[side] for pair in pairs.values()] for side in (0, 1))
    text = overlap_scores(ours, theirs, overlaps)
    if radeval:
        text |= radeval_scores(ours, theirs, radeval, radeval_python, allow_download=allow_download)
    return ReportScores(
        compared=tuple(pairs),
        missing=tuple(r.report_id for r in references if r.report_id not in generated),
        extra=tuple(report_id for report_id in generated if report_id not in known),
        empty=tuple(report_id for report_id, (_, said) in pairs.items() if not said.strip()),
        findings=tuple(
            compare_findings(*(find_findings(one, modality=modality) for one in pair))
            for pair in pairs.values()
        ),
        text=text,
    )
