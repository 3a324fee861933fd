"""A histogram on a logarithmic scale that is filled value by value."""

import math
from dataclasses import dataclass, field

__all__ = ['LogHistogram']

BINS_PER_DECADE = 20


@dataclass
class LogHistogram:
    """Counts of positive values in bins of equal ratio, 20 to a factor of ten.

    Args:
        low: Power of ten at which the first bin starts; smaller values count there.
        high: Power of ten at which the last bin ends; larger values count there.

    Example:
        >>> histogram = LogHistogram(-3, 0)
        >>> for value in (0.01, 0.1, 0.1):
        ...     histogram.add(value)
        >>> round(histogram.quantile(0.5), 1)
        0.1
    """

    low: int
    high: int
    counts: list[int] = field(default_factory=list)
    total: int = 0

    def __post_init__(self) -> None:
        self.counts = [0] * ((self.high - self.low) * BINS_PER_DECADE)

    def add(self, value: float) -> None:
        """Count a value > 0."""
        place = int((math.log10(value) - self.low) * BINS_PER_DECADE)
        self.counts[min(max(place, 0), len(self.counts) - 1)] += 1
        self.total += 1

    @property
    def edges(self) -> list[float]:
        """Edges of the bins, one more than there are bins."""
        number = len(self.counts) + 1
        return [10 ** (self.low + place / BINS_PER_DECADE) for place in range(number)]

    def quantile(self, share: float) -> float:
        """Return the middle of the bin below which a share of the values lies.

        Args:
            share: In [0, 1].

        Returns:
            The value, right to 6 %; NaN without values.
        """
        wanted, seen = share * self.total, 0
        for place, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return 10 ** (self.low + (place + 0.5) / BINS_PER_DECADE)
        return math.nan
