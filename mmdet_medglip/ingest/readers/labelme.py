"""LabelMe json."""

import base64
import binascii
import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
from PIL import Image

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Box, Rle

from ..annotation_files import MAX_TEXT_BYTES, load_json
from ..masks import encode_rle
from ..outlines import RegionError, box_of_points, ellipse_points, numbers, polygons_to_rle
from ..paths import MatchedFile
from ..source import SourceRegion
from .pattern import PatternReader, check_choice

__all__ = ['LabelMeReader']

_MAX_POINTS = 100_000


@READERS.register_module()
class LabelMeReader(PatternReader):
    """Read LabelMe annotations: one json per image with polygons, rectangles, circles and masks.

    Shapes of one label and ``group_id`` are one region. Points and lines have no area and are
    rejects. The image inside the json is not used.

    Args:
        root: Folder of the data set.
        images: Pattern of the images, see :class:`PatternReader`.
        annotations: Pattern of the json file of an image, its fields filled in.
        skip: Flags of an image or a shape that leave it out.
        unannotated: What an image without a json file is: to ``skip`` (default), or a
            ``negative``. A json file without shapes always is a negative.
        **common: See :class:`PatternReader` and :class:`Reader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = '{stem}.jpg',
        annotations: str = '{stem}.json',
        skip: Collection[str] = (),
        unannotated: str = 'skip',
        **common: Any,
    ) -> None:
        super().__init__(root, images=images, beside=[annotations], missing=unannotated, **common)
        check_choice(self.source, 'unannotated', unannotated)
        self._skip = set(skip)

    def read_regions(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> Sequence[SourceRegion] | None:
        """Read the json files of an image; None if a flag of the image leaves it out."""
        groups: dict[Any, list[SourceRegion]] = {}
        for _, file in files:
            data = _load(file.path, size)
            if marked := self._marked(data):
                self.reject(file.path, 'marked image is left out by the recipe', marked)
                return None
            for number, shape in enumerate(data['shapes'], start=1):
                if isinstance(shape, dict) and (marked := self._marked(shape)):
                    reason = 'marked object is left out by the recipe'
                    self.reject(file.path, reason, f'shape {number}: {marked}')
                    continue
                try:
                    region = _region(shape, size)
                except RegionError as error:
                    self.reject(file.path, 'region cannot be read', f'shape {number}: {error}')
                    continue
                group = shape.get('group_id')
                key = number if group is None else f'{region.name}/{group}'
                groups.setdefault((file.path, key), []).append(region)
        return [_united(regions) for regions in groups.values()]

    def _marked(self, entry: Mapping[str, Any]) -> str:
        """Return the flags of an image or shape that the recipe leaves out, as text."""
        flags = entry.get('flags')
        if not isinstance(flags, dict):
            return ''
        return ', '.join(sorted(name for name in self._skip if flags.get(name)))


def _load(path: Path, size: tuple[int, int]) -> dict[str, Any]:
    data = load_json(path, MAX_TEXT_BYTES)
    if not isinstance(data, dict) or not isinstance(data.get('shapes'), list):
        raise ValueError(f"{path} is no LabelMe file: it lacks the list 'shapes'.")
    for key, value in zip(('imageHeight', 'imageWidth'), size, strict=True):
        if data.get(key) not in (None, value):
            raise ValueError(f'{path} has {key} {data[key]!r:.60}, its image has {value}.')
    return data


def _region(shape: Any, size: tuple[int, int]) -> SourceRegion:
    if not isinstance(shape, dict) or not isinstance(shape.get('label'), str):
        raise RegionError("it is no object with a 'label'")
    kind = shape.get('shape_type') or 'polygon'
    xs, ys = _points(shape.get('points'))
    draw = _DRAW.get(kind) if isinstance(kind, str) else None
    if draw is None:
        raise RegionError(f'shape type {kind!r:.60} has no area')
    bbox, mask = draw(xs, ys, shape, size)
    return SourceRegion(shape['label'], bbox, mask)


def _points(points: Any) -> tuple[list[float], list[float]]:
    if not isinstance(points, list) or not 1 <= len(points) <= _MAX_POINTS:
        raise RegionError(f"'points' must be a list of 1 to {_MAX_POINTS} points")
    pairs = [numbers(point, 2, "a point of 'points'") for point in points]
    return [x for x, _ in pairs], [y for _, y in pairs]


_Drawn = tuple[Box | None, Rle | None]


def _polygon(xs: list[float], ys: list[float], shape: Any, size: tuple[int, int]) -> _Drawn:
    flat = [value for point in zip(xs, ys, strict=True) for value in point]
    return box_of_points(xs, ys), polygons_to_rle([flat], size)


def _rectangle(xs: list[float], ys: list[float], shape: Any, size: tuple[int, int]) -> _Drawn:
    if len(xs) not in (2, 4):
        raise RegionError(f'a rectangle needs 2 or 4 points, got {len(xs)}')
    return box_of_points(xs, ys), None


def _circle(xs: list[float], ys: list[float], shape: Any, size: tuple[int, int]) -> _Drawn:
    if len(xs) != 2:
        raise RegionError(f'a circle needs its centre and a point, got {len(xs)} points')
    radius = math.hypot(xs[1] - xs[0], ys[1] - ys[0])
    box = (xs[0] - radius, ys[0] - radius, xs[0] + radius, ys[0] + radius)
    return box, polygons_to_rle([ellipse_points(xs[0], ys[0], radius, radius)], size)


def _mask(xs: list[float], ys: list[float], shape: Any, size: tuple[int, int]) -> _Drawn:
    """Read a mask whose first and last pixel are the two points."""
    if len(xs) != 2 or not all(0 <= v < m for vs, m in ((xs, size[1]), (ys, size[0])) for v in vs):
        raise RegionError('a mask needs its first and last pixel inside the image')
    left, right = sorted(int(x) for x in xs)
    top, bottom = sorted(int(y) for y in ys)
    part = _png(shape.get('mask'), (bottom + 1 - top, right + 1 - left))
    whole = np.zeros(size, dtype=bool)
    whole[top : bottom + 1, left : right + 1] = part
    box = (float(left), float(top), float(right + 1), float(bottom + 1))
    return box, encode_rle(whole)


_DRAW = {'polygon': _polygon, 'rectangle': _rectangle, 'circle': _circle, 'mask': _mask}


def _png(text: Any, size: tuple[int, int]) -> np.ndarray:
    """Decode a base64 PNG of a known size to bool."""
    try:
        data = io.BytesIO(base64.b64decode(text, validate=True))
        with Image.open(data, formats=['PNG']) as image:
            if (image.height, image.width) != size:
                raise RegionError(
                    f'mask has {image.height} rows and {image.width} columns, its points say '
                    f'{size[0]} and {size[1]}'
                )
            return np.asarray(image.convert('L')) > 0
    except RegionError:
        raise
    except (binascii.Error, TypeError):
        raise RegionError("'mask' is not base64") from None
    except Exception as error:  # a decoder may raise anything on a broken file
        raise RegionError(f"'mask' is not a PNG ({error})") from None


def _united(regions: list[SourceRegion]) -> SourceRegion:
    """Join the shapes of a group; its mask only if all of them have one."""
    if len(regions) == 1:
        return regions[0]
    boxes = [region.bbox for region in regions if region.bbox is not None]
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    masks = [dict(region.mask) for region in regions if isinstance(region.mask, dict)]
    merged = None
    if len(masks) == len(regions):
        union = pycocotools.mask.merge(masks)
        merged = {'size': list(union['size']), 'counts': union['counts'].decode('ascii')}
    return SourceRegion(regions[0].name, (min(x1), min(y1), max(x2), max(y2)), merged)
