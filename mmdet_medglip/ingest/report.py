"""What an ingest tells about a source."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmdet_medglip.structures import SPLITS

__all__ = ['SourceReport']


@dataclass(frozen=True)
class SourceReport:
    """What became of a source.

    Args:
        name: Its name.
        added: Whether this run added it; False if the store had it, unchanged.
        entry: Its entry in ``store.json``.
        seconds: Time this run took for it.
        unmapped: Number of regions by name without a label, with the nearest labels.
    """

    name: str
    added: bool
    entry: Mapping[str, Any]
    seconds: float = 0.0
    unmapped: Counter[str] = field(default_factory=Counter)

    @property
    def images(self) -> int:
        """Number of images."""
        return sum(self.splits.values())

    @property
    def regions(self) -> int:
        """Number of regions, with or without a label."""
        return sum(self._count(split, 'instances') for split in SPLITS)

    @property
    def splits(self) -> dict[str, int]:
        """Number of images in each split."""
        return {split: self._count(split, 'records') for split in SPLITS}

    @property
    def labels(self) -> set[str]:
        """Label ids that occur."""
        return {label for counts in self.entry['labels'].values() for label in counts}

    @property
    def rejected(self) -> Counter[tuple[str, str]]:
        """What was left out, by ``(stage, reason)``."""
        return Counter(
            {
                (stage, reason): count
                for stage, reasons in self.entry.get('rejected', {}).items()
                for reason, count in reasons.items()
            }
        )

    def _count(self, split: str, what: str) -> int:
        return sum(numbers[what] for numbers in self.entry['counts'].get(split, {}).values())
