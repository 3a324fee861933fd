"""VGG Image Annotator: json and csv."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Box, Rle

from ..annotation_files import load_json, parse_json, read_text
from ..outlines import RegionError, box_of_points, ellipse_points, numbers, polygons_to_rle
from ..source import SourceRegion
from .base import RecipeError
from .listing import ListedImage, ListingReader

__all__ = ['ViaReader']

_COLUMNS = ('filename', 'region_shape_attributes', 'region_attributes')


@READERS.register_module()
class ViaReader(ListingReader):
    """Read annotations of VIA 1 and 2: rectangles, polygons, circles and ellipses.

    Files are the exports ``json`` and ``csv``, or a saved project. Points and lines have no area
    and are rejects.

    Args:
        root: Folder of the data set.
        attribute: Region attribute that names the region: its text, or its one ticked option.
            If None, the only attribute of the region.
        label: Name of all regions, for files without region attributes.
        **common: See :class:`ListingReader` and :class:`Reader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        attribute: str | None = None,
        label: str | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if attribute is not None and label is not None:
            raise RecipeError(f"Data set {self.source!r}: give 'attribute' or 'label', not both.")
        self._attribute = attribute
        self._label = label

    def open(self, path: Path, entry: Mapping[str, str]) -> list[dict[str, Any]]:
        """Load a file as a list of ``{filename, regions}``."""
        if path.suffix.lower() == '.csv':
            return _from_csv(path)
        data = load_json(path)
        if isinstance(data, dict):
            data = data.get('_via_img_metadata', data)
        if not isinstance(data, dict):
            raise RecipeError(f'{path} is no VIA file: expected a JSON object of images.')
        return list(data.values())

    def declared_names(self, document: Any) -> Sequence[str]:
        """Return the name of all regions, if the recipe gives one."""
        return [] if self._label is None else [self._label]

    def listed(self, document: Any, file: str) -> Iterator[ListedImage]:
        """Yield the images of a file."""
        for number, image in enumerate(document, start=1):
            regions = image.get('regions', []) if isinstance(image, dict) else None
            if isinstance(regions, dict):
                regions = list(regions.values())
            if not isinstance(regions, list) or not isinstance(image.get('filename'), str):
                detail = f"entry {number} lacks 'filename' or 'regions'"
                self.reject(file, 'image entry is not valid', detail)
                continue
            yield ListedImage(image['filename'], {'annotations': regions}, bool(regions))

    def regions(
        self, annotation: Any, size: tuple[int, int], annotator: str | None
    ) -> Sequence[SourceRegion]:
        """Turn a region of VIA into one of ours."""
        if not isinstance(annotation, dict):
            raise RegionError(f'expected an object, got {annotation!r:.60}')
        shape = annotation.get('shape_attributes')
        if not isinstance(shape, dict):
            raise RegionError(f"'shape_attributes' is no object but {shape!r:.60}")
        name = self._label or self._name(annotation.get('region_attributes'))
        kind = shape.get('name')
        draw = _DRAW.get(kind) if isinstance(kind, str) else None
        if draw is None:
            raise RegionError(f'shape {kind!r:.60} has no area')
        bbox, mask = draw(shape, size)
        return [SourceRegion(name, bbox, mask, annotator=annotator)]

    def _name(self, attributes: Any) -> str:
        found = attributes if isinstance(attributes, dict) else {}
        if self._attribute is None and len(found) != 1:
            raise RegionError(
                f"it has {len(found)} region attributes; name one of them in 'attribute'"
            )
        value = found.get(self._attribute) if self._attribute else next(iter(found.values()))
        if isinstance(value, dict):
            ticked = [str(option) for option, on in value.items() if on is True]
            value = ticked[0] if len(ticked) == 1 else None
        if not isinstance(value, str) or not value.strip():
            raise RegionError(f'its region attribute names nothing: {attributes!r:.60}')
        return value.strip()


_Drawn = tuple[Box, Rle | None]


def _rect(shape: Mapping[str, Any], size: tuple[int, int]) -> _Drawn:
    x, y, width, height = _values(shape, 'x', 'y', 'width', 'height')
    return (x, y, x + width, y + height), None


def _circle(shape: Mapping[str, Any], size: tuple[int, int]) -> _Drawn:
    x, y, radius = _values(shape, 'cx', 'cy', 'r')
    return _round(ellipse_points(x, y, radius, radius), size)


def _ellipse(shape: Mapping[str, Any], size: tuple[int, int]) -> _Drawn:
    x, y, along, across = _values(shape, 'cx', 'cy', 'rx', 'ry')
    [angle] = numbers([shape.get('theta', 0)], 1, "'theta'")
    return _round(ellipse_points(x, y, along, across, angle), size)


def _round(points: list[float], size: tuple[int, int]) -> _Drawn:
    return box_of_points(points[0::2], points[1::2]), polygons_to_rle([points], size)


def _polygon(shape: Mapping[str, Any], size: tuple[int, int]) -> _Drawn:
    xs = numbers(shape.get('all_points_x'), None, "'all_points_x'")
    ys = numbers(shape.get('all_points_y'), len(xs), "'all_points_y'")
    flat = [value for point in zip(xs, ys, strict=True) for value in point]
    mask = polygons_to_rle([flat], size)
    return box_of_points(xs, ys), mask


_DRAW = {'rect': _rect, 'circle': _circle, 'ellipse': _ellipse, 'polygon': _polygon}


def _values(shape: Mapping[str, Any], *keys: str) -> list[float]:
    return numbers([shape.get(key) for key in keys], len(keys), ', '.join(keys))


def _from_csv(path: Path) -> list[dict[str, Any]]:
    """Group the rows of a csv export by image; each row is one region."""
    images: dict[str, dict[str, Any]] = {}
    try:
        rows = list(csv.DictReader(read_text(path).splitlines()))
    except csv.Error as error:
        raise RecipeError(f'{path} is not a csv file ({error}).') from None
    for number, row in enumerate(rows, start=2):
        plain = {str(key).lstrip('#'): value for key, value in row.items()}
        if not all(isinstance(plain.get(column), str) for column in _COLUMNS):
            raise RecipeError(f'{path}, line {number}, lacks one of {", ".join(_COLUMNS)}.')
        shape = _parsed(plain['region_shape_attributes'])
        image = images.setdefault(plain['filename'], {'filename': plain['filename'], 'regions': []})
        if shape:
            attributes = _parsed(plain['region_attributes'])
            image['regions'].append({'shape_attributes': shape, 'region_attributes': attributes})
    return list(images.values())


def _parsed(text: str) -> Any:
    """Parse the JSON in a cell; a broken one stays text, which is no region."""
    try:
        return parse_json(text or '{}', 'the cell')
    except ValueError:
        return text
