"""Where a box lies, in words.

A picture has a left and a right, and so has the patient in it, and the two agree only if the
picture is shown so. Which way it is shown cannot be seen from a box, so who knows it states it:

- ``image``: sides are those of the picture; nothing is said of the patient.
- ``radiological``: the left of the picture is the patient's right, as frontal radiographs (PA and
  AP) and axial CT and MRI slices are usually shown.
- ``neurological``: the left of the picture is the patient's left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..regions import ImageRegions

__all__ = ['SIDES', 'Box', 'grid_places', 'lung_zones', 'say_sides']

Box = Sequence[float]

_PATIENT = "Left and right are the patient's: the left of the image is the patient's"

SIDES = {
    'image': 'Left and right are those of the image.',
    'radiological': f'{_PATIENT} right.',
    'neurological': f'{_PATIENT} left.',
}
"""What each convention says to a reader."""

_THIRDS = ('upper', 'middle', 'lower')
_LUNG = re.compile(r'(?:(left|right) lung|lung (left|right))')


def say_sides(sides: str) -> str:
    """Return the sentence that tells a reader whose left and right are meant.

    Raises:
        ValueError: There is no such convention.
    """
    if sides not in SIDES:
        raise ValueError(f'sides must be one of {", ".join(SIDES)}, got {sides!r}.')
    return SIDES[sides]


def grid_places(regions: ImageRegions, sides: str) -> list[str]:
    """Say in which of the nine parts of the image the centre of each box lies.

    Width and height are cut in thirds; a centre on a cut belongs to the part after it.

    Args:
        regions: Of one image.
        sides: Whose left and right, see :data:`SIDES`.

    Returns:
        For each region words such as ``'upper left'``, ``'middle right'``, ``'lower centre'``;
        ``'centre'`` for the middle part.

    Raises:
        ValueError: There is no such convention.

    Example:
        >>> regions = ImageRegions('a', 90, 90, 'xray', ('nodule',), [[0, 0, 20, 20]], [0.9])
        >>> grid_places(regions, 'image'), grid_places(regions, 'radiological')
        (['upper left'], ['upper right'])
    """
    say_sides(sides)
    columns = (
        ('right', 'centre', 'left') if sides == 'radiological' else ('left', 'centre', 'right')
    )
    found = []
    for x1, y1, x2, y2 in regions.boxes.tolist():
        row = _THIRDS[_third((y1 + y2) / 2, 0, regions.height)]
        column = columns[_third((x1 + x2) / 2, 0, regions.width)]
        found.append('centre' if (row, column) == ('middle', 'centre') else f'{row} {column}')
    return found


def lung_zones(regions: ImageRegions, sides: str) -> list[str]:
    """Say in which lung zone the centre of each box lies, of a frontal chest radiograph.

    Zones are thirds of the height of a lung. The lungs are the best regions of the image called
    'left lung' and 'right lung', whose side is the patient's whatever ``sides`` says. Without them
    thirds of the image height and halves of its width stand for the zones, which fits a film that
    the chest fills; the side then follows ``sides``.

    Args:
        regions: Of one image.
        sides: How the image is shown, see :data:`SIDES`.

    Returns:
        For each region words such as ``'upper left lung zone'``. With lungs, a centre outside both
        is said by its place in the image, as in :func:`grid_places`, with ``'of the image'``; so
        are the lungs themselves.

    Raises:
        ValueError: There is no such convention, or there are no lungs and ``sides='image'`` does
            not say which lung is which.
    """
    lungs = _lungs(regions)
    if lungs:
        return [
            _zone(box, lungs) or f'{place} of the image'
            for box, place in zip(regions.boxes.tolist(), grid_places(regions, sides), strict=True)
        ]
    say_sides(sides)
    if not len(regions):
        return []
    if sides == 'image':
        raise ValueError(
            f"Image {regions.image_id!r} has no regions 'left lung' and 'right lung' to name zones "
            "by: say how it is shown (sides='radiological' or 'neurological'), or use places in "
            'the image.'
        )
    halves = ('right', 'left') if sides == 'radiological' else ('left', 'right')
    found = []
    for x1, y1, x2, y2 in regions.boxes.tolist():
        row = _THIRDS[_third((y1 + y2) / 2, 0, regions.height)]
        found.append(f'{row} {halves[(x1 + x2) >= regions.width]} lung zone')
    return found


def _third(value: float, start: float, end: float) -> int:
    return min(int(3 * (value - start) / (end - start)), 2)


def _lungs(regions: ImageRegions) -> dict[str, list[float]]:
    """Boxes of the best left and right lung, by side; those that are there."""
    best: dict[str, tuple[float, list[float]]] = {}
    rows = zip(regions.labels, regions.scores.tolist(), regions.boxes.tolist(), strict=True)
    for label, score, box in rows:
        match = _LUNG.fullmatch(label.strip().lower())
        side = (match[1] or match[2]) if match else None
        if side and (side not in best or score > best[side][0]):
            best[side] = (score, box)
    return {side: box for side, (_, box) in best.items()}


def _zone(box: list[float], lungs: dict[str, list[float]]) -> str | None:
    """Zone of a box by the lungs; None outside them, and for a lung itself."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for side, lung in lungs.items():
        if box == lung:
            return None
        if lung[0] <= x < lung[2] and lung[1] <= y < lung[3]:
            return f'{_THIRDS[_third(y, lung[1], lung[3])]} {side} lung zone'
    return None
