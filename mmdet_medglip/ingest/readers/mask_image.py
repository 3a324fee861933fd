"""Images with mask images beside them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Instance

from ..images import image_size, read_image
from ..masks import fill_outline
from ..paths import MatchedFile, fill_pattern, match_files
from .base import Item, Reader, RecipeError

__all__ = ['MaskImageReader']

_FLIPS = {
    None: lambda array: array,
    'vertical': lambda array: array[::-1],
    'horizontal': lambda array: array[:, ::-1],
    'transpose': lambda array: array.swapaxes(0, 1),
}
_MASK_KEYS = {'path', 'label', 'values', 'threshold', 'fill'}
_CHOICES = ('skip', 'negative')


@READERS.register_module()
class MaskImageReader(Reader):
    """Read images whose regions are drawn in PNG, GIF, JPEG, BMP or TIFF masks.

    Args:
        root: Folder of the data set.
        images: Pattern of the images; must have the field ``{stem}``, and ``{split}`` if the
            split follows the folders.
        masks: Where the masks of an image are, one mapping per kind of file:

            * ``path``: pattern, in which the fields of the image are filled in. A new field
              ``{label}`` takes the label from the file name (one file per structure).
            * ``label``: name of the region of a binary or grey mask, or ``values``: name by pixel
              value of an indexed mask.
            * ``threshold``: grey level that a pixel must exceed to be inside (0 by default; 127
              for JPEG masks and for a majority of soft votes). Not for ``values``.
            * ``fill``: ``holes`` or ``convex`` for drawn outlines, see ``fill_outline``.
        missing: ``skip`` images without any mask file, or keep them as ``negative``.
        empty: ``skip`` images whose masks are all empty, or keep them as ``negative``.
        flip: ``vertical``, ``horizontal`` or ``transpose`` to bring a data set that is stored
            turned into display orientation (patient's right on the left of the image, front on
            top); image and masks alike.
        **common: See :class:`Reader`.

    Raises:
        FileNotFoundError: If no image fits the pattern.
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str,
        masks: Sequence[Mapping[str, Any]] = (),
        missing: str = 'skip',
        empty: str = 'negative',
        flip: str | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if '{stem}' not in images:
            raise RecipeError(f"Data set {self.source!r}: 'images' {images!r} lacks '{{stem}}'.")
        for field, value in (('missing', missing), ('empty', empty)):
            if value not in _CHOICES:
                raise RecipeError(
                    f'Data set {self.source!r}: {field!r} must be one of {_CHOICES}, got {value!r}.'
                )
        if flip not in _FLIPS:
            known = ', '.join(str(key) for key in _FLIPS)
            raise RecipeError(f"Data set {self.source!r}: 'flip' {flip!r} is not among {known}.")
        self._images = images
        self._masks = [self._check_mask(dict(mask)) for mask in masks]
        self._missing = missing
        self._empty = empty
        self._flip = _FLIPS[flip]
        self._flipped = flip is not None

    def __iter__(self) -> Iterator[Item]:
        """Yield one item per image, in the order of the file names."""
        matches = match_files(self.root, self._images)
        if not matches:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no image fits {self._images!r} in {self.root}.'
            )
        return self.read_each(matches, self._read, lambda match: self._name(match.path))

    def read_masks(
        self, image: MatchedFile, size: tuple[int, int]
    ) -> list[tuple[str, np.ndarray]] | None:
        """Read what is drawn on an image.

        Args:
            image: The image file.
            size: ``(height, width)`` of the image as stored in the source.

        Returns:
            Label id and bool mask (H, W) pairs, possibly empty masks; None without a mask file.
        """
        found: list[tuple[str, np.ndarray]] = []
        files = 0
        for spec in self._masks:
            for match in match_files(self.root, fill_pattern(spec['path'], image.fields)):
                files += 1
                found += self._masks_of_file(match, spec, size)
        return found if files else None

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _check_mask(self, spec: dict[str, Any]) -> dict[str, Any]:
        unknown = set(spec) - _MASK_KEYS
        named = ('label' in spec) + ('values' in spec) + ('{label}' in spec.get('path', ''))
        if unknown or 'path' not in spec or named != 1:
            raise RecipeError(
                f"Data set {self.source!r}: each of 'masks' needs 'path' and one of 'label', "
                f"'values' or '{{label}}' in the path, and may have 'threshold' and 'fill'; "
                f'got {spec!r}.'
            )
        return spec

    def _masks_of_file(
        self, match: MatchedFile, spec: Mapping[str, Any], size: tuple[int, int]
    ) -> list[tuple[str, np.ndarray]]:
        pixels = _read_mask(match.path, indexed='values' in spec)
        if pixels.shape != size:
            raise ValueError(
                f'{match.path} has {pixels.shape[0]} rows and {pixels.shape[1]} columns, its '
                f'image has {size[0]} and {size[1]}.'
            )
        if 'values' in spec:
            named = [(name, pixels == int(value)) for value, name in spec['values'].items()]
        else:
            name = spec['label'] if 'label' in spec else match.fields['label']
            named = [(name, pixels > spec.get('threshold', 0))]
        masks = []
        for name, mask in named:
            label = self.label_of(str(name))
            if label is not None:
                masks.append((label, fill_outline(mask, spec['fill']) if 'fill' in spec else mask))
        return masks

    def _read(self, match: MatchedFile) -> Item | None:
        size = image_size(match.path)
        masks = self.read_masks(match, size)
        if masks is None and self._missing == 'skip':
            self.skip(match.path, 'mask file is missing')
            return None
        name = match.fields['stem']
        instances = self._instances(masks or [], name)
        if masks and not instances and self._empty == 'skip':
            self.skip(match.path, 'mask is empty')
            return None
        folder = match.fields.get('split')
        unique = name if folder is None else f'{folder}/{name}'
        image: np.ndarray | Path = match.path
        if self._flipped:
            image = np.ascontiguousarray(self._flip(read_image(match.path)))
            size = image.shape[0], image.shape[1]
        return self.record(unique, size, instances, folder=folder, patient=name), image

    def _instances(self, masks: list[tuple[str, np.ndarray]], item: str) -> list[Instance]:
        """Make regions; several files of a label with one box per image are one region."""
        merged: dict[str, np.ndarray] = {}
        regions: list[Instance] = []
        for label, mask in masks:
            if self.ontology.box_policy(label) == 'single':
                merged[label] = merged[label] | mask if label in merged else mask
            else:
                regions += self.regions(self._flip(mask), label, item)
        for label, mask in merged.items():
            regions += self.regions(self._flip(mask), label, item)
        return regions


def _read_mask(path: Path, indexed: bool) -> np.ndarray:
    """Read a mask as (H, W): index values if ``indexed``, else grey levels."""
    image_size(path)
    with Image.open(path) as image:
        try:
            image.load()
        except (OSError, SyntaxError) as error:
            raise ValueError(f'{path} is damaged ({error}); replace it.') from error
        if image.mode == '1' or (indexed and image.mode == 'P') or image.mode.startswith('I'):
            return np.asarray(image).astype(np.int32)
        return np.asarray(image.convert('L'))
