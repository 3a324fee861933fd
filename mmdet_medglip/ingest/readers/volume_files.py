"""Base of readers whose volumes and label volumes are files found by their names."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..paths import FileFinder, MatchedFile, fields_of, fill_pattern, inside
from ..source import SourceImage, SourceItem
from ..volumes import (
    Grid,
    StoredVolume,
    Structure,
    check_labels,
    check_voxels,
    display_volume,
    same_place,
    structure_of_mask,
)
from ..volumes.grid import check_axes
from .base import RecipeError
from .volume_annotations import Annotation, parse_annotations
from .volume_reader import VolumeReader

__all__ = ['VolumeFileReader']

_MISSING = ('skip', 'negative')


class VolumeFileReader(VolumeReader):
    """Read volumes with label volumes, one or several files each.

    Label volumes must have the voxels of their volume, in whatever order of axes. Structures of
    several files, and of several kinds of files, may overlap.

    A subclass opens a file (:meth:`open_volume`).

    Args:
        root: Folder of the data set.
        images: Pattern of the volumes. The fields ``{split}``, ``{patient}`` and ``{study}``
            tell what their names say; all fields together name the volume.
        annotations: Pattern of the label volume of a volume, its fields filled in; or a list of
            mappings, one per kind of file, with ``path`` and one of

            * ``names``: see below;
            * ``label``: name of the structure of which the file is the mask;
            * neither, with a new field ``{label}`` in the path: one mask file per structure.

            None for volumes without label volumes.
        names: Label values of an ``annotations`` pattern without ``{label}``: a mapping
            ``name: value`` (or a list of values: their union), or a json file with the key
            ``labels`` (nnU-Net, MSD), or ``segments`` if the files name them (seg.nrrd).
        missing: What a volume without label volume is: to ``skip``, or a ``negative``.
        channel: Channel to take of volumes of several, from 0.
        axes: Where the stored axes go, such as ``LPS``, if the headers are known to be wrong;
            see :meth:`mmdet_medglip.ingest.volumes.Grid.of_axes`.
        labels_follow_image: Take the place of label volumes from their volume, if their own
            headers are known to be wrong.
        **common: See :class:`VolumeReader`.

    Raises:
        FileNotFoundError: If the json file of ``names`` does not exist.
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str,
        annotations: str | Sequence[Mapping[str, Any]] | None = None,
        names: str | Mapping[Any, Any] | None = None,
        missing: str = 'skip',
        channel: int | None = None,
        axes: str | None = None,
        labels_follow_image: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if not fields_of(images):
            raise RecipeError(f"Data set {self.source!r}: 'images' {images!r} lacks '{{stem}}'.")
        if missing not in _MISSING:
            raise RecipeError(
                f"Data set {self.source!r}: 'missing' must be one of {_MISSING}, got {missing!r}."
            )
        if channel is not None and (not isinstance(channel, int) or channel < 0):
            raise RecipeError(
                f"Data set {self.source!r}: 'channel' must be a whole number >= 0, got {channel!r}."
            )
        self._images = images
        self._missing = missing
        self._channel = channel
        self._axes = axes
        self._follow = labels_follow_image
        try:
            if axes is not None:
                check_axes(axes)
            self._annotations = parse_annotations(annotations, names, self.root)
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None

    @abstractmethod
    def open_volume(self, path: Path, channel: int | None) -> StoredVolume:
        """Read the header of a volume.

        Args:
            path: Its file.
            channel: Channel to take; None if there must be one only.

        Raises:
            ValueError: If the file is no volume, or has no such channel.
        """

    def segments(self, path: Path) -> Mapping[int, Mapping[str, Sequence[int]]]:
        """Return label values by name, for each channel of a file that names its segments.

        Raises:
            ValueError: If it does not.
        """
        raise ValueError(f"{path} cannot name its segments; give 'names' in the recipe.")

    def files_of(self, path: Path) -> Sequence[Path]:
        """Return the files that a volume is made of, its own first."""
        return (path,)

    def items(self) -> Sequence[SourceItem]:
        """List the volumes, sorted by their files."""
        self.check_names(
            [
                name
                for kind in self._annotations
                for name in (*(kind.values or ()), kind.label)
                if name is not None
            ]
        )
        finder = FileFinder(self.root)
        volumes = finder.match(self._images)
        beside = [self._beside(finder, volume) for volume in volumes]
        used = {file.path for files in beside for _, file in files}
        items = []
        for volume, files in zip(volumes, beside, strict=True):
            if volume.path in used:
                continue
            if self._annotations and not files and self._missing == 'skip':
                self.reject(volume.path, 'label volume is missing')
            else:
                items.append(self._item(volume, files))
        self._reject_unused(finder, used | {volume.path for volume in volumes})
        if not volumes:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no volume fits {self._images!r} in {self.root}.'
            )
        return items

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read a volume and its label volumes, and yield slices."""
        path = inside(self.root, item.payload['image'])
        fields = item.payload['fields']
        stored = self._open(path, self._channel)
        shown = stored.grid.turned(stored.grid.turn_to(self.plane))
        structures: list[Structure] = []
        for number, name, label in item.payload['beside']:
            file = inside(self.root, name)
            structures += self._structures(file, self._annotations[number], label, stored, shown)
        yield from self.slices(
            path,
            '/'.join(fields.values()),
            display_volume(stored, self.plane),
            structures,
            annotated=bool(self._annotations),
            folder=fields.get('split'),
            patient=fields.get('patient'),
            study=fields.get('study'),
        )

    def _beside(self, finder: FileFinder, volume: MatchedFile) -> list[tuple[int, MatchedFile]]:
        return [
            (number, file)
            for number, kind in enumerate(self._annotations)
            for file in finder.match(fill_pattern(kind.path, volume.fields))
        ]

    def _item(self, volume: MatchedFile, files: Sequence[tuple[int, MatchedFile]]) -> SourceItem:
        path = self.relative(volume.path)
        beside = [[n, self.relative(f.path), f.fields.get('label')] for n, f in files]
        parts = [part for file in (volume, *(f for _, f in files)) for part in self._parts(file)]
        return SourceItem(
            path,
            tuple(dict.fromkeys(self.relative(part) for part in parts)),
            {'image': path, 'fields': volume.fields, 'beside': beside},
        )

    def _parts(self, file: MatchedFile) -> Sequence[Path]:
        """Return the files of a volume as far as its header can be read."""
        try:
            return self.files_of(file.path)
        except (ValueError, OSError):
            return (file.path,)

    def _reject_unused(self, finder: FileFinder, used: set[Path]) -> None:
        for kind in self._annotations:
            for file in finder.match(kind.path):
                if file.path not in used:
                    used.add(file.path)
                    self.reject(file.path, 'label volume without volume')

    def _open(self, path: Path, channel: int | None) -> StoredVolume:
        stored = self.open_volume(path, channel)
        check_voxels(path, stored.grid.voxels)
        if self._axes is not None:
            stored = replace(stored, grid=stored.grid.with_axes(self._axes))
        return stored

    def _structures(
        self, file: Path, kind: Annotation, label: str | None, image: StoredVolume, shown: Grid
    ) -> list[Structure]:
        """Read one label file."""
        if kind.by_file:
            return [
                structure
                for channel, values in self.segments(file).items()
                for structure in self.structures(
                    file, self._labels(file, channel, image, shown), values
                )
            ]
        labels = self._labels(file, None, image, shown)
        if kind.values is not None:
            return self.structures(file, labels, kind.values)
        name = kind.label or str(label)
        found = structure_of_mask(
            name, labels, self.label_map.box_policy(name), self.object_name(name)
        )
        return [] if found is None else [found]

    def _labels(
        self, file: Path, channel: int | None, image: StoredVolume, shown: Grid
    ) -> np.ndarray:
        """Read a label volume in display orientation, checked against its volume."""
        stored = self._open(file, channel)
        if self._follow and stored.grid.shape == image.grid.shape:
            stored = replace(stored, grid=image.grid)
        turn = stored.grid.turn_to(self.plane)
        turned = stored.grid.turned(turn)
        if turned.shape != shown.shape:
            raise ValueError(
                f'{file} has {turned.shape} rows, columns and slices, {image.path} {shown.shape}; '
                'they must be of one volume.'
            )
        if not same_place(turned, shown):
            raise ValueError(f'{file} lies elsewhere in space than {image.path}; resample it.')
        labels = turn.apply(stored.load())
        if (stored.slope, stored.intercept) != (1.0, 0.0):
            labels = labels * stored.slope + stored.intercept
        return check_labels(labels, file)
