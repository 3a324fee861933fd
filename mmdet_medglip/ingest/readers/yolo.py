"""YOLO text files: boxes and polygons."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Instance

from ..images import image_size
from ..masks import encode_rle, mask_from_polygons
from ..paths import MatchedFile, fill_pattern, inside, match_files
from .base import Item, Reader, RecipeError

__all__ = ['YoloReader']


@READERS.register_module()
class YoloReader(Reader):
    """Read YOLO annotations: one line per region, in shares of the image's size.

    A line is ``class x_centre y_centre width height`` or ``class x1 y1 x2 y2 x3 y3 ...``; one
    file may hold both.

    Args:
        root: Folder of the data set.
        images: Pattern of the images with the field ``{stem}``, and ``{split}`` if the split
            follows the folders.
        annotations: Pattern of the text file of an image, its fields filled in.
        names: Class names in order, or a yaml file with the key ``names``.
        unannotated: What an image without a text file is: to ``skip`` (default), or a
            ``negative``. An empty text file always is a negative.
        **common: See :class:`Reader`. Labels are mapped by class name.

    Raises:
        FileNotFoundError: If no image fits the pattern, or the yaml file is missing.
        RecipeError: If an option or a class name is unknown.
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
        super().__init__(root, **common)
        if unannotated not in ('negative', 'skip'):
            raise RecipeError(
                f"Data set {self.source!r}: 'unannotated' must be 'negative' or 'skip', "
                f'got {unannotated!r}.'
            )
        self._images = images
        self._annotations = annotations
        self._unannotated = unannotated
        listed = _class_names(inside(self.root, names)) if isinstance(names, str) else list(names)
        self._classes = [self.label_of(str(name)) for name in listed]

    def __iter__(self) -> Iterator[Item]:
        """Yield one item per image, in the order of the file names."""
        matches = match_files(self.root, self._images)
        if not matches:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no image fits {self._images!r} in {self.root}.'
            )
        return self.read_each(
            matches, self._read, lambda match: match.path.relative_to(self.root).as_posix()
        )

    def _read(self, match: MatchedFile) -> Item | None:
        found = match_files(self.root, fill_pattern(self._annotations, match.fields))
        if not found and self._unannotated == 'skip':
            self.skip(match.path, 'annotation file is missing')
            return None
        size = image_size(match.path)
        instances = []
        lines = found[0].path.read_text(encoding='utf-8').splitlines() if found else []
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    instance = self._instance(line.split(), size)
                except ValueError as error:
                    raise ValueError(f'{found[0].path}, line {number}: {error}') from None
                if instance is not None:
                    instances.append(instance)
        name, folder = match.fields['stem'], match.fields.get('split')
        unique = name if folder is None else f'{folder}/{name}'
        return self.record(unique, size, instances, folder=folder, patient=name), match.path

    def _instance(self, words: list[str], size: tuple[int, int]) -> Instance | None:
        index, shares = int(words[0]), [float(word) for word in words[1:]]
        if not 0 <= index < len(self._classes):
            raise ValueError(f'class {index} is not among the {len(self._classes)} names.')
        label = self._classes[index]
        if label is None:
            return None
        height, width = size
        if len(shares) == 4:
            x, y, w, h = shares
            left, top = (x - w / 2) * width, (y - h / 2) * height
            box = (left, top, left + w * width, top + h * height)
            return Instance(bbox=self.clip(box, size), label=label)
        if len(shares) < 6 or len(shares) % 2:
            raise ValueError(
                f'expected 4 numbers (box) or an even number from 6 on (polygon), '
                f'got {len(shares)}.'
            )
        xs = [share * width for share in shares[0::2]]
        ys = [share * height for share in shares[1::2]]
        flat = [value for point in zip(xs, ys, strict=True) for value in point]
        mask = mask_from_polygons([flat], height, width) if self.keep_masks else None
        return Instance(
            bbox=self.clip((min(xs), min(ys), max(xs), max(ys)), size),
            label=label,
            mask=encode_rle(mask) if mask is not None and mask.any() else None,
        )


def _class_names(path: Path) -> list[str]:
    """Read ``names`` of a YOLO yaml, a list or a mapping by class number."""
    if not path.is_file():
        raise FileNotFoundError(f'Class names {path} do not exist; list names in the recipe.')
    try:
        names = yaml.safe_load(path.read_text(encoding='utf-8'))['names']
        return [names[i] for i in range(len(names))]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise RecipeError(f"{path} has no usable 'names' ({error!r}).") from error
