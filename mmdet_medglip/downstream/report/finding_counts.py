"""Hits and misses, and the precision, recall and F1 that come of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['FindingCounts']


@dataclass(frozen=True)
class FindingCounts:
    """How often findings of generated reports are those of the references.

    Counts of reports add up, so that sums over any reports give their micro-average.

    Attributes:
        hits: In both.
        extra: In the generated report alone.
        missed: In the reference alone.
    """

    hits: int = 0
    extra: int = 0
    missed: int = 0

    def __add__(self, other: FindingCounts) -> FindingCounts:
        return FindingCounts(
            self.hits + other.hits, self.extra + other.extra, self.missed + other.missed
        )

    @property
    def precision(self) -> float:
        """Share of generated findings that are in the reference; NaN without any."""
        return _share(self.hits, self.hits + self.extra)

    @property
    def recall(self) -> float:
        """Share of findings of the reference that were generated; NaN without any."""
        return _share(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> float:
        """``2 hits / (2 hits + extra + missed)``; NaN if neither has any."""
        return _share(2 * self.hits, 2 * self.hits + self.extra + self.missed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float('nan')
