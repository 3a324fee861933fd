"""YOLO text files: boxes and polygons."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology.plain_yaml import load_yaml
from mmdet_medglip.registry import READERS

from ..annotation_files import read_text
from ..outlines import RegionError, box_of_points, polygons_to_rle
from ..paths import MatchedFile, inside
from ..source import SourceRegion
from .base import RecipeError
from .pattern import PatternReader, check_choice

__all__ = ['YoloReader']

_MAX_NAMES_BYTES = 1_000_000


@READERS.register_module()
class YoloReader(PatternReader):
    """Read YOLO annotations: one line per region, in shares of the image's size.

    A line is ``class x_centre y_centre width height`` or ``class x1 y1 x2 y2 x3 y3 ...``; one
    file may hold both. A line that is neither is a reject; the others of its file are read.

    Args:
        root: Folder of the data set.
        images: Pattern of the images, see :class:`PatternReader`.
        annotations: Pattern of the text file of an image, its fields filled in.
        names: Class names in order, or a yaml file with the key ``names``.
        unannotated: What an image without a text file is: to ``skip`` (default), or a
            ``negative``. An empty text file always is a negative.
        **common: See :class:`PatternReader` and :class:`Reader`.

    Raises:
        FileNotFoundError: If no image fits the pattern, or the yaml file is missing.
        RecipeError: If an option or a class name is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = '{split}/images/{stem}.jpg',
        annotations: str = '{split}/labels/{stem}.txt',
        names: str | Sequence[str] = 'data.yaml',
        unannotated: str = 'skip',
        **common: Any,
    ) -> None:
        super().__init__(root, images=images, beside=[annotations], missing=unannotated, **common)
        check_choice(self.source, 'unannotated', unannotated)
        listed = _class_names(inside(self.root, names)) if isinstance(names, str) else names
        self._classes = [str(name) for name in listed]

    def declared_names(self) -> Sequence[str]:
        """Return the class names."""
        return self._classes

    def read_regions(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> Sequence[SourceRegion]:
        """Read the text files of an image, line by line."""
        regions = []
        for _, file in files:
            for number, line in enumerate(read_text(file.path).splitlines(), start=1):
                if line.strip():
                    try:
                        regions.append(self._region(line.split(), size))
                    except ValueError as error:
                        detail = f'line {number}: {error}'
                        self.reject(file.path, 'region cannot be read', detail)
        return regions

    def _region(self, words: list[str], size: tuple[int, int]) -> SourceRegion:
        index, shares = int(words[0]), [float(word) for word in words[1:]]
        if not 0 <= index < len(self._classes):
            raise RegionError(f'class {index} is not among the {len(self._classes)} names')
        height, width = size
        if len(shares) == 4:
            x, y, w, h = shares
            left, top = (x - w / 2) * width, (y - h / 2) * height
            box = (left, top, left + w * width, top + h * height)
            return SourceRegion(self._classes[index], box)
        if len(shares) < 6 or len(shares) % 2:
            raise RegionError(
                f'expected 4 numbers (box) or an even number from 6 on (polygon), got {len(shares)}'
            )
        xs = [share * width for share in shares[0::2]]
        ys = [share * height for share in shares[1::2]]
        flat = [value for point in zip(xs, ys, strict=True) for value in point]
        mask = polygons_to_rle([flat], size)
        return SourceRegion(self._classes[index], box_of_points(xs, ys), mask)


def _class_names(path: Path) -> list[str]:
    """Read ``names`` of a YOLO yaml, a list or a mapping by class number."""
    if not path.is_file():
        raise FileNotFoundError(f'Class names {path} do not exist; list names in the recipe.')
    try:
        names: Any = load_yaml(read_text(path, _MAX_NAMES_BYTES))['names']
        if not isinstance(names, (list, dict)):
            raise TypeError(f'they are {names!r:.60}, expected a list or a mapping')
        listed = [names[i] for i in range(len(names))]
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{path} has no usable 'names' ({error!r:.300}).") from error
    if not all(isinstance(name, (str, int)) for name in listed):
        raise RecipeError(f"{path}: 'names' must hold plain names.")
    return [str(name) for name in listed]
