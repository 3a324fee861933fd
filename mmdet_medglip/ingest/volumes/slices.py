"""Which slices of a volume are taken."""

import hashlib
from dataclasses import dataclass

__all__ = ['SlicePolicy']


@dataclass(frozen=True)
class SlicePolicy:
    """Which slices of a volume are taken.

    Args:
        step: Take every n-th slice, >= 1.
        empty_share: Share of the slices without any region that is kept as negatives, in [0, 1];
            chosen by a hash of their names.
        max_slices: Take so many slices of a volume at most, >= 1, by a larger step; None for no
            limit.

    Raises:
        ValueError: If a number is out of range; names it.
    """

    step: int = 1
    empty_share: float = 0.2
    max_slices: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        limit = self.max_slices
        if not isinstance(self.step, int) or self.step < 1:
            raise ValueError(f"'slice_step' must be a whole number >= 1, got {self.step!r}.")
        if not 0 <= self.empty_share <= 1:
            raise ValueError(f"'empty_share' must be in [0, 1], got {self.empty_share!r}.")
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise ValueError(f"'max_slices' must be a whole number >= 1, got {limit!r}.")

    def candidates(self, slices: int) -> range:
        """Return the slices that are looked at.

        Args:
            slices: Number of slices of the volume.
        """
        needed = 1 if self.max_slices is None else -(-slices // self.max_slices)
        return range(0, slices, max(self.step, needed))

    def keeps_empty(self, name: str) -> bool:
        """Tell whether a slice without regions is kept, by its name."""
        digest = hashlib.sha256(name.encode('utf-8', 'surrogatepass')).digest()
        return int.from_bytes(digest[:8], 'big') / 2**64 < self.empty_share
