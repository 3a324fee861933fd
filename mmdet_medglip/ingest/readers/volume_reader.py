"""Base of readers of volumes: which plane, which slices, and what a slice becomes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..source import SourceImage
from ..volumes import (
    PLANES,
    SlicePolicy,
    Structure,
    UnmappedValue,
    Volume,
    objects_of_labels,
    regions_at,
    stored_range,
    structures_of_labels,
)
from .base import Reader, RecipeError

__all__ = ['VolumeReader']


class VolumeReader(Reader):
    """Turn volumes into upright slices with the regions of their structures.

    Slices are in display orientation whatever the axes of the file (see ``ingest.volumes``) and
    are numbered from the feet up (axial), from the front (coronal) or from the patient's right
    (sagittal). CT keeps Hounsfield units: 16-bit pixels with slope 1 and an intercept. Other
    integers are kept exactly, and other values are spread over 16 bits. An item is a volume and
    is read once.

    A subclass finds volumes, reads them, and gives them to :meth:`slices`.

    Args:
        root: Folder of the data set.
        plane: ``axial``, ``coronal`` or ``sagittal``.
        slice_step: Take every n-th slice, >= 1.
        empty_share: Share of the slices without any region that is kept as negatives, in [0, 1];
            chosen by a hash of their names.
        max_slices: Take so many slices of a volume at most, by a larger step; None for no limit.
        **common: See :class:`Reader`.

    Raises:
        RecipeError: If an option is out of range.
    """

    items_per_task: ClassVar[int] = 1

    planes: ClassVar[tuple[str, ...]] = tuple(PLANES)
    """What ``plane`` may be."""

    def __init__(
        self,
        root: str | Path,
        *,
        plane: str = 'axial',
        slice_step: int = 1,
        empty_share: float = 0.2,
        max_slices: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if plane not in self.planes:
            raise RecipeError(
                f"Data set {self.source!r}: 'plane' must be one of {', '.join(self.planes)}, "
                f'got {plane!r}.'
            )
        try:
            self.policy = SlicePolicy(slice_step, empty_share, max_slices)
        except (TypeError, ValueError) as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None
        self.plane = plane

    def slices(
        self,
        file: Path,
        name: str,
        volume: Volume,
        structures: Sequence[Structure],
        *,
        annotated: bool = True,
        hounsfield: bool | None = None,
        **fields: Any,
    ) -> Iterator[SourceImage]:
        """Yield the slices of a volume that the policy takes; note how many it does not.

        Args:
            file: File of the volume, for messages.
            name: Name of the volume, unique in the source.
            volume: Its voxels.
            structures: What is marked in it.
            annotated: Whether a slice without regions is known to show none; if not, all are
                kept.
            hounsfield: Whether the physical values are Hounsfield units; if None, those of CT
                are.
            **fields: Further fields of :class:`SourceImage`.

        Raises:
            ValueError: If a voxel is not finite.
        """
        is_ct = self.modality == 'ct' if hounsfield is None else hounsfield
        try:
            mapping = stored_range(
                volume.values, is_ct=is_ct, slope=volume.slope, intercept=volume.intercept
            )
        except ValueError as error:
            raise ValueError(f'{file} {error}') from None
        told: dict[str, Any] = {
            'series': name,
            'spacing_mm': volume.spacing_mm[:2],
            'view': volume.plane,
            'rescale_slope': mapping.slope,
            'rescale_intercept': mapping.intercept,
            'rescale_type': 'HU' if is_ct else None,
        } | fields
        rows, columns, _ = volume.values.shape
        for index, regions in self.taken(file, name, volume.values.shape, structures, annotated):
            yield SourceImage(
                name=f'{name}/{index:04d}',
                image=np.ascontiguousarray(mapping.store(volume.values[:, :, index])),
                size=(rows, columns),
                regions=regions,
                slice_index=index,
                **told,
            )

    def taken(
        self,
        file: Path,
        name: str,
        shape: tuple[int, ...],
        structures: Sequence[Structure],
        annotated: bool,
    ) -> Iterator[tuple[int, tuple]]:
        """Yield number and regions of the slices that the policy takes; see :meth:`slices`."""
        rows, columns, count = shape
        candidates = self.policy.candidates(count)
        empty = 0
        for index in candidates:
            regions = regions_at(structures, index, (rows, columns))
            shown = any(not self.label_map(region.name).dropped for region in regions)
            if (
                not annotated
                or shown
                or self.policy.keeps_empty(f'{self.source}/{name}/{index:04d}')
            ):
                yield index, regions
            else:
                empty += 1
        if empty:
            self.reject(file, 'slice without regions, outside the empty share', count=empty)
        if len(candidates) < count:
            detail = f'every {candidates.step}th of {count}'
            self.reject(file, 'slice outside slice_step', detail, count=count - len(candidates))

    def structures(
        self, file: Path, labels: np.ndarray, values: Mapping[str, Sequence[int]]
    ) -> list[Structure]:
        """Find the structures of a label volume in display orientation; note unmapped values.

        Args:
            file: The label volume, for messages.
            labels: (rows, columns, slices) of integers, 0 outside.
            values: Label values by name. Names of one label are one structure.
        """
        merged: dict[str, list[int]] = {}
        firsts: dict[str, str] = {}
        for name, numbers in values.items():
            key = firsts.setdefault(self.object_name(name), name)
            merged.setdefault(key, []).extend(numbers)
        found, unmapped = structures_of_labels(
            labels, merged, self.label_map.box_policy, self.object_name
        )
        self.note_unmapped(file, unmapped)
        return found

    def numbered_objects(self, name: str, labels: np.ndarray) -> list[Structure]:
        """Return the structures of a volume whose values number the objects of one class.

        Args:
            name: Name of the class.
            labels: (rows, columns, slices) of integers, 0 outside.
        """
        return objects_of_labels(name, labels, self.object_name(name))

    def object_name(self, name: str) -> str:
        """Return what the 3-D object of a class is called: its label, or else its name."""
        return self.label_map(name).label or name

    def note_unmapped(self, file: Path, unmapped: Iterable[UnmappedValue]) -> None:
        """Note the values of a label volume that no name has, by the slices they are on."""
        for value in unmapped:
            detail = f'value {value.value}: {value.voxels} voxels on {value.slices} slices'
            self.reject(
                file, 'label value is not mapped', detail, stage='labels', count=value.slices
            )
