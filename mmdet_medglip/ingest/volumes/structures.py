"""Structures of a volume: cropped masks of classes, and the regions they make on each slice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from mmdet_medglip.ontology.ontology import BoxPolicy

from ..source import SourceRegion

__all__ = [
    'Structure',
    'UnmappedValue',
    'check_labels',
    'objects_of_labels',
    'regions_at',
    'structure_of_mask',
    'structures_of_labels',
]

_MAX_VALUE = 65_535
_TOUCHING = np.ones((3, 3, 3), dtype=bool)
_BY_SLICE = (2, 0, 1)
_BACK = (1, 2, 0)
Box3 = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Structure:
    """All voxels of a class in a volume of the axes (row, column, slice).

    Args:
        name: Class name of the source.
        box: The part of the volume that holds it.
        voxels: What is in this part: bool, label values, or the numbers of 3-D components.
        values: Label values that belong to the structure; None if every voxel that is not 0
            does.
        numbered: Whether ``voxels`` are numbers of components.
        object_name: Name of the 3-D object, or what the numbers are appended to.
        is_object: Whether the numbers are those of objects in the source, not of components.
    """

    name: str
    box: Box3
    voxels: np.ndarray
    values: tuple[int, ...] | None = None
    numbered: bool = False
    object_name: str = ''
    is_object: bool = False

    def regions(self, index: int, size: tuple[int, int]) -> list[SourceRegion]:
        """Return what a slice shows of it.

        Args:
            index: The slice.
            size: Rows and columns of the volume.

        Returns:
            One mask per 3-D object, possibly none.
        """
        rows, columns, slices = self.box
        if not slices.start <= index < slices.stop:
            return []
        plane = self.voxels[:, :, index - slices.start]
        if not self.numbered:
            parts = {self.object_name: _inside(plane, self.values)}
        else:
            numbers = np.unique(plane[plane > 0]).tolist()
            parts = {f'{self.object_name}:{number}': plane == number for number in numbers}
        found = []
        for name, part in parts.items():
            if part.any():
                mask = np.zeros(size, dtype=bool)
                mask[rows, columns] = part
                found.append(
                    SourceRegion(
                        self.name,
                        mask=mask,
                        is_object=self.is_object,
                        volume_instance_id=name,
                    )
                )
        return found


@dataclass(frozen=True)
class UnmappedValue:
    """A label value that no name stands for.

    Args:
        value: The value.
        slices: Slices it is on.
        voxels: Voxels that have it.
    """

    value: int
    slices: int
    voxels: int


def check_labels(labels: np.ndarray, where: str | Path) -> np.ndarray:
    """Bring label values to integers.

    Args:
        labels: Label values of any type and shape.
        where: Their file, for messages.

    Returns:
        The values, as uint8 or uint16 unless they are such integers already.

    Raises:
        ValueError: If a value is not a whole number in [0, 65535].
    """
    if labels.dtype == bool:
        return labels.view(np.uint8)
    if not np.issubdtype(labels.dtype, np.number) or np.iscomplexobj(labels):
        raise ValueError(f'{where} holds values of type {labels.dtype}, expected label numbers.')
    low, high = labels.min(), labels.max()
    if not (low >= 0 and high <= _MAX_VALUE):
        raise ValueError(
            f'{where} holds label values from {low} to {high}, expected 0 to {_MAX_VALUE}.'
        )
    if labels.dtype in (np.uint8, np.uint16):
        return labels
    whole = labels.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16)
    if np.issubdtype(labels.dtype, np.floating) and not np.array_equal(whole, labels):
        raise ValueError(f'{where} holds label values that are not whole numbers.')
    return whole


def structures_of_labels(
    labels: np.ndarray,
    values: Mapping[str, Sequence[int]],
    policy: Callable[[str], BoxPolicy | None],
    object_names: Callable[[str], str] = str,
) -> tuple[list[Structure], list[UnmappedValue]]:
    """Find the structures of a label volume.

    Args:
        labels: (rows, columns, slices) of uint8 or uint16; 0 is background.
        values: Label values by class name; a value may belong to several names.
        policy: Box policy of a name; ``components`` numbers the 3-D components (26-connected),
            from the first slice on.
        object_names: What the 3-D object of a name is called.

    Returns:
        The structures that occur, in the order of the names, and the values that no name has.
    """
    boxes = _value_boxes(labels)
    structures = []
    for name, wanted in values.items():
        present = tuple(value for value in wanted if value in boxes)
        if not present:
            continue
        box = _around([boxes[value] for value in present])
        crop = labels[box]
        if policy(name) == 'components':
            numbers = _components(_inside(crop, present))
            structures.append(
                Structure(name, box, numbers, numbered=True, object_name=object_names(name))
            )
        else:
            structures.append(Structure(name, box, crop, present, object_name=object_names(name)))
    known = {value for wanted in values.values() for value in wanted}
    unmapped = []
    for value in sorted(set(boxes) - known):
        found = labels[boxes[value]] == value
        slices = int(found.any(axis=(0, 1)).sum())
        unmapped.append(UnmappedValue(value, slices, int(found.sum())))
    return structures, unmapped


def objects_of_labels(name: str, labels: np.ndarray, object_name: str) -> list[Structure]:
    """Find the structures of a volume whose values number the objects of one class.

    Args:
        name: Class name of the source.
        labels: (rows, columns, slices) of uint8 or uint16; 0 is background.
        object_name: What the numbers are appended to.

    Returns:
        One structure for all objects; none if there are none.
    """
    boxes = _value_boxes(labels)
    if not boxes:
        return []
    box = _around(list(boxes.values()))
    return [
        Structure(name, box, labels[box], numbered=True, object_name=object_name, is_object=True)
    ]


def structure_of_mask(
    name: str,
    mask: np.ndarray,
    policy: BoxPolicy | None,
    object_name: str | None = None,
    offset: tuple[int, int, int] = (0, 0, 0),
) -> Structure | None:
    """Make a structure of a mask of its own.

    Args:
        name: Class name.
        mask: (rows, columns, slices), not 0 inside; only the part that holds something is kept.
        policy: Box policy; ``components`` numbers the 3-D components.
        object_name: What the 3-D object is called; the name if None.
        offset: Where in the volume the mask begins.

    Returns:
        The structure; None if the mask is empty.
    """
    inside = mask if mask.dtype == bool else mask != 0
    boxes = _value_boxes(inside.view(np.uint8))
    if not boxes:
        return None
    crop = inside[boxes[1]]
    numbered = policy == 'components'
    voxels = _components(crop) if numbered else crop.copy()
    first, second, third = (
        slice(part.start + start, part.stop + start)
        for part, start in zip(boxes[1], offset, strict=True)
    )
    return Structure(
        name,
        (first, second, third),
        voxels,
        numbered=numbered,
        object_name=name if object_name is None else object_name,
    )


def regions_at(
    structures: Iterable[Structure], index: int, size: tuple[int, int]
) -> tuple[SourceRegion, ...]:
    """Return the regions of all structures on one slice; see :meth:`Structure.regions`."""
    return tuple(region for item in structures for region in item.regions(index, size))


def _inside(voxels: np.ndarray, values: tuple[int, ...] | None) -> np.ndarray:
    if values is None:
        return voxels != 0
    return voxels == values[0] if len(values) == 1 else np.isin(voxels, values)


def _value_boxes(labels: np.ndarray) -> dict[int, Box3]:
    """Find the box of every label value but 0, walking through memory as it lies."""
    order = sorted(range(3), key=lambda axis: -abs(labels.strides[axis]))
    found = ndimage.find_objects(labels.transpose(order))
    boxes: dict[int, Box3] = {}
    for value, box in enumerate(found, start=1):
        if box is not None:
            first, second, third = (box[order.index(axis)] for axis in range(3))
            boxes[value] = (first, second, third)
    return boxes


def _around(boxes: Sequence[Box3]) -> Box3:
    first, second, third = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes))
        for axis in range(3)
    )
    return first, second, third


def _components(mask: np.ndarray) -> np.ndarray:
    """Number the 3-D components of a mask from its first slice on."""
    by_slice = np.ascontiguousarray(mask.transpose(_BY_SLICE))
    return ndimage.label(by_slice, structure=_TOUCHING)[0].transpose(_BACK)
