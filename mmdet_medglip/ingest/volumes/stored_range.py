"""How physical values are stored in 16 or 8 bits."""

from dataclasses import dataclass

import numpy as np

__all__ = ['StoredRange', 'stored_range']

_MAX_STORED = 65_535
_CT_FLOOR = -1024.0


@dataclass(frozen=True)
class StoredRange:
    """How numbers of a volume become pixels, ``physical = slope * stored + intercept``.

    Args:
        slope: Physical value per stored unit.
        intercept: Physical value of a stored 0.
        from_slope: Physical value per unit of the volume's own numbers.
        from_intercept: Physical value of a 0 in the volume.
        bits: 8 or 16.
    """

    slope: float
    intercept: float
    from_slope: float = 1.0
    from_intercept: float = 0.0
    bits: int = 16

    def store(self, values: np.ndarray) -> np.ndarray:
        """Turn numbers of the volume, of any shape, into pixels, rounded and clipped."""
        if self.bits == 8:
            return values.astype(np.uint8)
        factor = self.from_slope / self.slope
        offset = (self.from_intercept - self.intercept) / self.slope
        stored = values.astype(np.float64) * factor + offset
        return np.clip(np.rint(stored, out=stored), 0, _MAX_STORED, out=stored).astype(np.uint16)


def stored_range(
    values: np.ndarray, *, is_ct: bool, slope: float = 1.0, intercept: float = 0.0
) -> StoredRange:
    """Choose how a volume is stored in 16 bits.

    Args:
        values: Numbers of the volume, any shape, not empty.
        is_ct: Whether ``slope * values + intercept`` are Hounsfield units, kept to the whole unit.
        slope: Physical value per unit of ``values``.
        intercept: Physical value of a 0 in ``values``.

    Returns:
        Whole Hounsfield units for CT; the numbers themselves if they are uint8, or other integers
        in a range of 16 bits; else the range of the values over 16 bits.

    Raises:
        ValueError: If a value is not finite.
    """
    ends = (float(values.min()) * slope + intercept, float(values.max()) * slope + intercept)
    low, high = min(ends), max(ends)
    if not np.isfinite([low, high]).all():
        raise ValueError('holds values that are not finite; replace them.')
    if is_ct:
        floor = min(_CT_FLOOR, float(np.floor(low)))
        if high - floor <= _MAX_STORED:
            return StoredRange(1.0, floor, slope, intercept)
    if values.dtype == np.uint8:
        return StoredRange(slope, intercept, slope, intercept, bits=8)
    if np.issubdtype(values.dtype, np.integer):
        first = min(0, int(values.min()))
        if int(values.max()) - first <= _MAX_STORED:
            return StoredRange(slope, first * slope + intercept, slope, intercept)
    return StoredRange((high - low) / _MAX_STORED or 1.0, low, slope, intercept)
