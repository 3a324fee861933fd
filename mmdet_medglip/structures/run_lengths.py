"""COCO's compressed run lengths, checked before pycocotools decodes them.

pycocotools 2.0.11 reads past its memory, or reads another mask, where a number of the text is
longer than six characters; from a text that is sound by these checks it reads what is written.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ['checked_runs', 'runs_of']

_MOST_CHARACTERS = 6
"""Of one number: 29 bits and a sign, enough for any image that is taken."""


def runs_of(text: str) -> npt.NDArray[np.int64]:
    """Decode the text of a compressed run length.

    A number is written five bits a character, least first, ``0x20`` in all but the last; from the
    fourth on it is the difference to the one two before (cocoapi, ``rleFrString``).

    Args:
        text: The ``counts`` of a mask.

    Returns:
        The runs, of pixels outside and inside by turns, column by column; may be negative where
        the text is not sound. No run for an empty text.

    Raises:
        ValueError: A character is none of these, a number is too long, or the last one is cut off.

    Example:
        >>> runs_of('35e0').tolist()
        [3, 5, 21]
    """
    try:
        codes = np.frombuffer(text.encode('ascii'), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise ValueError('compressed run length is damaged') from None
    if not codes.size:
        return codes
    ends = np.flatnonzero(codes & 0x20 == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    is_whole = ends.size > 0 and ends[-1] == codes.size - 1
    if not is_whole or not 0 <= codes.min() <= codes.max() < 64 or lengths.max() > _MOST_CHARACTERS:
        raise ValueError('compressed run length is damaged')
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, lengths))
    values = np.add.reduceat((codes & 0x1F) << shifts, starts)
    runs = np.where(codes[ends] & 0x10, values - (1 << 5 * lengths), values)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def checked_runs(rle: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Decode the runs of a mask, which must make up its size.

    Args:
        rle: ``{'size': [height, width], 'counts': str}``.

    Returns:
        The runs; none for an image without pixels.

    Raises:
        ValueError: It has another form, or its runs do not add up to its size.
    """
    size, counts = rle.get('size'), rle.get('counts')
    sides = tuple(size) if isinstance(size, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 0 for side in sides):
        raise ValueError(f"run length must have 'size' [height, width], got {size!r:.60}")
    if not isinstance(counts, str):
        raise ValueError(f"run length must have text as 'counts', got {counts!r:.60}")
    runs, cells = runs_of(counts), sides[0] * sides[1]
    is_sound = 0 <= runs.min(initial=0) <= runs.max(initial=0) <= cells
    if not is_sound or int(runs.sum()) != cells:
        raise ValueError(f'runs do not add up to the {cells} pixels of {list(sides)}')
    return runs
