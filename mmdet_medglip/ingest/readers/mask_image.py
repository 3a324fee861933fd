"""Images with mask images beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_medglip.registry import READERS

from ..images import read_image
from ..paths import MatchedFile
from ..source import SourceImage, SourceRegion
from .base import RecipeError
from .mask_files import decode_mask, parse_mask_rule, regions_of_mask
from .pattern import PatternReader, check_choice

__all__ = ['MaskImageReader']

_FLIPS: dict[str | None, Callable[[np.ndarray], np.ndarray]] = {
    None: lambda array: array,
    'vertical': lambda array: array[::-1],
    'horizontal': lambda array: array[:, ::-1],
    'transpose': lambda array: array.swapaxes(0, 1),
}


@READERS.register_module()
class MaskImageReader(PatternReader):
    """Read images whose regions are drawn in PNG, GIF, JPEG, BMP, TIFF or 2-D NIfTI masks.

    Args:
        root: Folder of the data set.
        images: Pattern of the images, see :class:`PatternReader`.
        masks: Where the masks of an image are, one mapping per kind of file. ``path`` is their
            pattern, in which the fields of the image are filled in; a new field ``{annotator}``
            tells who drew them, any other field only has to match. One of these names the pixels:

            * ``label``: the one name of a binary or grey mask.
            * ``{label}`` in the pattern: the name stands in the file name (one file per
              structure). ``separator`` is replaced by a space in it (``+`` for BiomedParse);
              ``codes`` is a json file ``{name: code}`` or ``{data set: {name: code}}`` of codes
              that stand for names (SA-Med2D-20M), the data set being the field ``{dataset}``.
            * ``values``: name, list of names, or null by pixel value of an indexed mask;
              ``background`` is the value without meaning (0).
            * ``colors``: the same by colour, ``'#ff0000'`` or ``'255, 0, 0'``, within
              ``tolerance`` (0) of each channel; black has no meaning unless named.
            * ``instances``: the one name of all objects of a mask in which each value over 0 is
              one object.

            Further keys: ``threshold``, the grey level that a pixel of a ``label`` must exceed (0
            by default; 127 for JPEG masks and for a majority of soft votes); ``fill``, ``holes``
            or ``convex`` for drawn outlines, see ``fill_outline``; ``annotator``; ``objects``,
            true if a file is one object whatever its components.
        missing: ``skip`` images without any mask file, or keep them as ``negative``.
        empty: ``skip`` images whose masks are all empty, or keep them as ``negative``.
        flip: ``vertical``, ``horizontal`` or ``transpose`` to bring a data set that is stored
            turned into display orientation (patient's right on the left of the image, front on
            top); image and masks alike.
        **common: See :class:`PatternReader` and :class:`Reader`.

    Raises:
        FileNotFoundError: If no image fits the pattern.
        RecipeError: If an option is wrong.
    """

    missing_reason = 'mask file is missing'

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
        beside = common.pop('beside', [spec.get('path', '') for spec in masks])
        super().__init__(root, images=images, beside=beside, missing=missing, **common)
        check_choice(self.source, 'missing', missing)
        self._empty = check_choice(self.source, 'empty', empty)
        if flip not in _FLIPS:
            known = ', '.join(str(key) for key in _FLIPS)
            raise RecipeError(f"Data set {self.source!r}: 'flip' {flip!r} is not among {known}.")
        self.flip = _FLIPS[flip]
        self._flipped = flip is not None
        try:
            self._rules = [parse_mask_rule(spec, self.root) for spec in masks]
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}.') from None

    def declared_names(self) -> Sequence[str]:
        """Return the names that the rules themselves give."""
        return [name for rule in self._rules for name in rule.declared_names()]

    def read_masks(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> list[SourceRegion]:
        """Read the mask files of an image, turned by :attr:`flip`.

        Args:
            files: Number of its rule, and the file, for each.
            size: ``(height, width)`` of the image as stored in the source.

        Returns:
            Regions with at least one pixel.

        Raises:
            ValueError: If a file is broken or of another size.
        """
        regions: list[SourceRegion] = []
        for number, file in files:
            rule = self._rules[number]
            pixels = self.flip(decode_mask(file.path, rule.kind, size))
            try:
                found, unnamed = regions_of_mask(pixels, rule, file.fields)
            except ValueError as error:
                raise ValueError(f'{file.path}: {error}.') from None
            regions += found
            if unnamed:
                detail = ', '.join(unnamed[:10]) + (' ...' if len(unnamed) > 10 else '')
                self.reject(file.path, 'mask value has no name', detail, count=len(unnamed))
        return regions

    def read_regions(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> Sequence[SourceRegion] | None:
        """Read the masks of an image; None if they are empty and such images are skipped."""
        regions = self.read_masks(files, size)
        if files and not regions and self._empty == 'skip':
            self.reject(files[0][1].path, 'mask is empty')
            return None
        return regions

    def arrange(self, image: SourceImage) -> SourceImage:
        """Turn the image as its masks have been turned."""
        if not self._flipped:
            return image
        stored = read_image(image.image) if isinstance(image.image, Path) else image.image
        pixels = np.ascontiguousarray(self.flip(stored))
        return replace(image, image=pixels, size=(pixels.shape[0], pixels.shape[1]))
