"""Pascal VOC XML."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml.ElementTree import fromstring

from mmdet_medglip.registry import READERS

from ..annotation_files import check_size
from ..outlines import RegionError
from ..paths import MatchedFile
from ..source import SourceRegion
from .base import RecipeError
from .pattern import PatternReader, check_choice

__all__ = ['VocReader']

_MAX_BYTES = 32_000_000
_CONVENTIONS = ('voc', 'corners')
_FLAGS = ('difficult', 'truncated', 'occluded')


@READERS.register_module()
class VocReader(PatternReader):
    """Read Pascal VOC annotations: one XML file per image, one box per object.

    Args:
        root: Folder of the data set.
        images: Pattern of the images, see :class:`PatternReader`.
        annotations: Pattern of the XML file of an image, its fields filled in. The file name
            inside the XML is not used.
        convention: ``voc``: the first pixel is 1 and the last pixel of a box belongs to it, as in
            Pascal VOC; ``corners``: coordinates are corners from 0, as most tools write them.
        skip: Marks of objects to leave out: ``difficult``, ``truncated``, ``occluded``.
        unannotated: What an image without an XML file is: to ``skip`` (default), or a
            ``negative``. An XML file without objects always is a negative.
        **common: See :class:`PatternReader` and :class:`Reader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = 'JPEGImages/{stem}.jpg',
        annotations: str = 'Annotations/{stem}.xml',
        convention: str = 'voc',
        skip: Collection[str] = (),
        unannotated: str = 'skip',
        **common: Any,
    ) -> None:
        super().__init__(root, images=images, beside=[annotations], missing=unannotated, **common)
        check_choice(self.source, 'unannotated', unannotated)
        if convention not in _CONVENTIONS or set(skip) - set(_FLAGS):
            raise RecipeError(
                f"Data set {self.source!r}: 'convention' must be one of {_CONVENTIONS} and 'skip' "
                f'some of {_FLAGS}, got {convention!r} and {skip!r}.'
            )
        self._start = 1.0 if convention == 'voc' else 0.0
        self._skip = tuple(skip)

    def read_regions(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> Sequence[SourceRegion]:
        """Read the XML files of an image."""
        regions = []
        for _, file in files:
            tree = _parse(file.path)
            _check_image_size(tree, file.path, size)
            for number, entry in enumerate(tree.iter('object'), start=1):
                marked = [flag for flag in self._skip if _text(entry, flag) not in ('', '0')]
                if marked:
                    reason = 'marked object is left out by the recipe'
                    self.reject(file.path, reason, f'object {number}: {", ".join(marked)}')
                    continue
                try:
                    regions.append(self._region(entry))
                except RegionError as error:
                    detail = f'object {number}: {error}'
                    self.reject(file.path, 'region cannot be read', detail)
        return regions

    def _region(self, entry: Element) -> SourceRegion:
        name = _text(entry, 'name')
        if not name:
            raise RegionError("it lacks 'name'")
        x1, y1, x2, y2 = (
            _number(entry, f'bndbox/{key}') for key in ('xmin', 'ymin', 'xmax', 'ymax')
        )
        return SourceRegion(name, (x1 - self._start, y1 - self._start, x2, y2))


def _parse(path: Path) -> Element:
    check_size(path, _MAX_BYTES)
    try:
        tree: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except defusedxml.DefusedXmlException as error:
        raise ValueError(f'{path} is refused: it declares entities or a DTD ({error}).') from None
    except (ParseError, LookupError, ValueError) as error:
        raise ValueError(f'{path} is not valid XML ({error}).') from None
    if tree.tag != 'annotation':
        raise ValueError(f'{path} is no VOC file: expected <annotation>, got <{tree.tag}>.')
    return tree


def _check_image_size(tree: Element, path: Path, size: tuple[int, int]) -> None:
    """Compare the size in the XML, where it is given, with the image."""
    if tree.find('size') is None:
        return
    told = tuple(_text(tree, f'size/{side}') for side in ('height', 'width'))
    if all(text in ('', '0') for text in told):
        return
    if told != tuple(str(side) for side in size):
        raise ValueError(
            f'{path} is for an image of {told[1]} x {told[0]} px (width x height), its image has '
            f'{size[1]} x {size[0]}.'
        )


def _number(entry: Element, path: str) -> float:
    text = _text(entry, path)
    try:
        return float(text)
    except ValueError:
        raise RegionError(f'{path} must be a number, got {text!r:.60}') from None


def _text(entry: Element, path: str) -> str:
    return (entry.findtext(path) or '').strip()
