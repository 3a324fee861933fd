"""COCO json."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pycocotools.mask

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Instance

from ..images import image_size
from ..masks import encode_rle, mask_from_polygons
from ..paths import inside
from .base import Item, Reader, RecipeError

__all__ = ['CocoReader']


@READERS.register_module()
class CocoReader(Reader):
    """Read COCO annotations: boxes, and masks as polygons or RLE.

    Args:
        root: Folder of the data set.
        annotations: One mapping per json file: ``file`` (relative to the root), ``images``
            (folder of its images, relative to the root; the root by default) and ``split``
            (its split folder, for the split policy ``folders``).
        unannotated: What an image without annotations is: a ``negative`` (default), or to
            ``skip``.
        **common: See :class:`Reader`. Labels are mapped by category name.

    Raises:
        RecipeError: If an option is unknown.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        annotations: Sequence[Mapping[str, str]],
        unannotated: str = 'negative',
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if unannotated not in ('negative', 'skip'):
            raise RecipeError(
                f"Data set {self.source!r}: 'unannotated' must be 'negative' or 'skip', "
                f'got {unannotated!r}.'
            )
        self._files = [dict(entry) for entry in annotations]
        for entry in self._files:
            if 'file' not in entry or set(entry) - {'file', 'images', 'split'}:
                raise RecipeError(
                    f"Data set {self.source!r}: each of 'annotations' needs 'file' and may have "
                    f"'images' and 'split', got {entry!r}."
                )
        self._unannotated = unannotated

    def __iter__(self) -> Iterator[Item]:
        """Yield one item per image entry, file by file in the order of the file."""
        for entry in self._files:
            path = inside(self.root, entry['file'])
            data = _load(path)
            categories = {c['id']: self.label_of(str(c['name'])) for c in data['categories']}
            grouped: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
            for annotation in data['annotations']:
                grouped[annotation['image_id']].append(annotation)
            yield from self.read_each(
                data['images'],
                partial(self._read, grouped=grouped, categories=categories, entry=entry),
                partial(_item_name, entry['file']),
            )

    def _read(
        self,
        image: Mapping[str, Any],
        *,
        grouped: Mapping[Any, list[Mapping[str, Any]]],
        categories: Mapping[Any, str | None],
        entry: Mapping[str, str],
    ) -> Item | None:
        for field in ('id', 'file_name'):
            if field not in image:
                raise ValueError(f'Entry {dict(image)!r} of "images" lacks {field!r}.')
        name = str(image['file_name'])
        annotations = grouped.get(image['id'], [])
        if not annotations and self._unannotated == 'skip':
            self.skip(f'{entry["file"]}:{name}', 'image without annotation')
            return None
        path = inside(inside(self.root, entry.get('images', '')), name)
        size = image_size(path)
        for field, value in zip(('height', 'width'), size, strict=True):
            if image.get(field, value) != value:
                raise ValueError(f'{path} has {field} {value}, the json says {image[field]}.')
        instances = []
        for annotation in annotations:
            if annotation.get('category_id') not in categories:
                raise ValueError(
                    f'Annotation {annotation.get("id")!r} has unknown category_id '
                    f'{annotation.get("category_id")!r}.'
                )
            label = categories[annotation['category_id']]
            if label is not None:
                instances.append(self._instance(annotation, label, size))
        stem = path.relative_to(self.root).with_suffix('').as_posix()
        return (
            self.record(stem, size, instances, folder=entry.get('split'), patient=path.stem),
            path,
        )

    def _instance(
        self, annotation: Mapping[str, Any], label: str, size: tuple[int, int]
    ) -> Instance:
        bbox = annotation.get('bbox')
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise ValueError(
                f"Annotation {annotation.get('id')!r}: 'bbox' must be [x, y, width, height], "
                f'got {bbox!r}.'
            )
        x, y, width, height = (float(value) for value in bbox)
        mask = _rle(annotation.get('segmentation'), size) if self.keep_masks else None
        return Instance(
            bbox=self.clip((x, y, x + width, y + height), size),
            label=label,
            mask=mask,
            is_crowd=bool(annotation.get('iscrowd', 0)),
        )


def _item_name(file: str, image: Mapping[str, Any]) -> str:
    return f'{file}:{image.get("file_name")}'


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f'COCO file {path} does not exist.')
    try:
        data = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'COCO file {path} is not valid JSON ({error}).') from error
    for field in ('images', 'annotations', 'categories'):
        if not isinstance(data, dict) or not isinstance(data.get(field), list):
            raise ValueError(f'COCO file {path} lacks the list {field!r}.')
    return data


def _rle(segmentation: Any, size: tuple[int, int]) -> dict[str, Any] | None:
    """Bring a COCO segmentation of any kind to compressed RLE; None if there is none."""
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        mask = mask_from_polygons(segmentation, *size)
        return encode_rle(mask) if mask.any() else None
    if isinstance(segmentation['counts'], list):
        packed = pycocotools.mask.frPyObjects(segmentation, *size)
        return {'size': list(size), 'counts': packed['counts'].decode('ascii')}
    return {'size': list(segmentation['size']), 'counts': segmentation['counts']}
