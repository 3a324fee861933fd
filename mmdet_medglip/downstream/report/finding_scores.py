"""Finding-level scores of generated reports."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .finding_counts import FindingCounts
from .findings import Finding, State

__all__ = ['FindingScores', 'compare_findings']


@dataclass(frozen=True)
class FindingScores:
    """How findings of generated reports agree with those of their references.

    Scores of reports add up: the sum over reports is the score of all of them.

    Attributes:
        positive: Counts of (report, finding) that are positive.
        negated: The same of negated ones.
        sided: Counts of (report, finding, side) that are positive; both sides are two, and no side
            is a side of its own, so that a side that was left out is a miss.
        contradictions: (report, finding) positive in one and negated in the other.
        by_name: Counts of positive ones for each finding.
    """

    positive: FindingCounts = field(default_factory=FindingCounts)
    negated: FindingCounts = field(default_factory=FindingCounts)
    sided: FindingCounts = field(default_factory=FindingCounts)
    contradictions: int = 0
    by_name: Mapping[str, FindingCounts] = field(default_factory=dict)

    def __add__(self, other: FindingScores) -> FindingScores:
        return FindingScores.total((self, other))

    @classmethod
    def total(cls, scores: Iterable[FindingScores]) -> FindingScores:
        """Add up the scores of reports; of none all counts are 0."""
        positive = negated = sided = FindingCounts()
        contradictions = 0
        by_name: dict[str, FindingCounts] = defaultdict(FindingCounts)
        for one in scores:
            positive += one.positive
            negated += one.negated
            sided += one.sided
            contradictions += one.contradictions
            for name, counts in one.by_name.items():
                by_name[name] += counts
        return cls(positive, negated, sided, contradictions, dict(by_name))

    @property
    def macro_f1(self) -> float:
        """Mean F1 over findings that are positive in a reference; NaN without any."""
        values = [one.f1 for one in self.by_name.values() if one.hits + one.missed]
        return math.fsum(values) / len(values) if values else math.nan

    def figures(self) -> dict[str, float]:
        """Return all figures by name; NaN where nothing defines one."""
        figures: dict[str, float] = {}
        for name in ('positive', 'negated', 'sided'):
            counts: FindingCounts = getattr(self, name)
            figures |= {
                f'findings/{name}_precision': counts.precision,
                f'findings/{name}_recall': counts.recall,
                f'findings/{name}_F1': counts.f1,
            }
        figures['findings/macro_F1'] = self.macro_f1
        figures['findings/contradictions'] = float(self.contradictions)
        return figures


def compare_findings(
    reference: Mapping[str, Finding], generated: Mapping[str, Finding]
) -> FindingScores:
    """Compare the findings of one report, see :func:`~.findings.find_findings`.

    Args:
        reference: Of the report that is right; may be empty.
        generated: Of the report that is judged; may be empty.

    Returns:
        The scores of this report.

    Example:
        >>> from mmdet_medglip.downstream.report.findings import find_findings
        >>> reference = find_findings('Left effusion. Cardiomegaly. No pneumothorax.')
        >>> generated = find_findings('Right effusion. No cardiomegaly or pneumothorax.')
        >>> scores = compare_findings(reference, generated)
        >>> scores.positive, scores.contradictions
        (FindingCounts(hits=1, extra=0, missed=1), 1)
    """
    ours, theirs = _of_state(reference, 'positive'), _of_state(generated, 'positive')
    denied, also_denied = _of_state(reference, 'negated'), _of_state(generated, 'negated')
    by_name = {
        name: _counts({name} & ours, {name} & theirs)
        for name in dict.fromkeys((*reference, *generated))
        if name in ours | theirs
    }
    return FindingScores(
        positive=_counts(ours, theirs),
        negated=_counts(denied, also_denied),
        sided=_counts(_sided(reference), _sided(generated)),
        contradictions=len(ours & also_denied) + len(denied & theirs),
        by_name=by_name,
    )


def _of_state(findings: Mapping[str, Finding], state: State) -> set[str]:
    return {name for name, one in findings.items() if one.state == state}


def _sided(findings: Mapping[str, Finding]) -> set[tuple[str, str]]:
    return {
        (name, side)
        for name, one in findings.items()
        if one.state == 'positive'
        for side in one.sides or {''}
    }


def _counts(ours: set, theirs: set) -> FindingCounts:
    return FindingCounts(len(ours & theirs), len(theirs - ours), len(ours - theirs))
