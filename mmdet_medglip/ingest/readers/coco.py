"""COCO json."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Rle

from ..annotation_files import load_json
from ..outlines import RegionError, checked_rle, numbers, polygons_to_rle
from ..source import SourceRegion
from .base import RecipeError
from .listing import ListedImage, ListingReader

__all__ = ['CocoReader']


@READERS.register_module()
class CocoReader(ListingReader):
    """Read COCO annotations: boxes, and masks as polygons or run lengths.

    Args:
        root: Folder of the data set.
        category: Field of an annotation that holds its category's id. For files with several
            kinds of category, such as ``category_id_3``, whose list is ``categories_3``.
        **common: See :class:`ListingReader` and :class:`Reader`. Names are those of the
            categories.

    Raises:
        RecipeError: If an option is wrong.
    """

    def __init__(self, root: str | Path, *, category: str = 'category_id', **common: Any) -> None:
        super().__init__(root, **common)
        self._category = category
        self._categories = category.replace('category_id', 'categories')
        if self._categories == category:
            raise RecipeError(
                f"Data set {self.source!r}: 'category' must begin with 'category_id', "
                f'got {category!r}.'
            )

    def open(self, path: Path, entry: Mapping[str, str]) -> dict[str, Any]:
        """Load a json file and check its lists."""
        data = load_json(path)
        for field in ('images', 'annotations', self._categories):
            if not isinstance(data, dict) or not isinstance(data.get(field), list):
                raise RecipeError(f'COCO file {path} lacks the list {field!r}.')
        for category in data[self._categories]:
            if not isinstance(category, dict) or not {'id', 'name'} <= set(category):
                raise RecipeError(f"COCO file {path} has a category without 'id' or 'name'.")
        return data

    def declared_names(self, document: Any) -> Sequence[str]:
        """Return the names of the categories."""
        return list(self._names(document).values())

    def listed(self, document: Any, file: str) -> Iterator[ListedImage]:
        """Yield the image entries with their annotations."""
        names = self._names(document)
        grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for annotation in document['annotations']:
            if isinstance(annotation, dict):
                grouped[_key(annotation.get('image_id'))].append(annotation)
            else:
                self.reject(file, 'annotation is no object', f'{annotation!r:.60}')
        for image in document['images']:
            fault = _entry_fault(image)
            if fault:
                self.reject(file, 'image entry is not valid', fault)
                continue
            found = [self._plain(one, names) for one in grouped.pop(_key(image['id']), [])]
            yield ListedImage(
                image['file_name'],
                {'annotations': found},
                bool(found),
                height=image.get('height'),
                width=image.get('width'),
            )
        if grouped:
            count = sum(len(annotations) for annotations in grouped.values())
            detail = f'image_id {", ".join(list(grouped)[:5])}'
            self.reject(file, 'annotation of an unknown image', detail, count=count)

    def regions(
        self, annotation: Any, size: tuple[int, int], annotator: str | None
    ) -> Sequence[SourceRegion]:
        """Turn an annotation into a region; its box or its mask may be missing."""
        if annotation['name'] is None:
            raise RegionError(f'unknown {self._category} {annotation["category"]!r}')
        mask = _mask(annotation.get('segmentation'), size)
        bbox = None
        if annotation.get('bbox') or mask is None:
            x, y, width, height = numbers(annotation.get('bbox'), 4, "'bbox' [x, y, width, height]")
            bbox = (x, y, x + width, y + height)
        crowd = bool(annotation.get('iscrowd', 0))
        return [SourceRegion(annotation['name'], bbox, mask, is_crowd=crowd, annotator=annotator)]

    def _names(self, document: Mapping[str, Any]) -> dict[str, str]:
        return {_key(entry['id']): str(entry['name']) for entry in document[self._categories]}

    def _plain(self, annotation: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """Keep what a region needs, with the category's name instead of its number."""
        plain = {k: annotation[k] for k in ('bbox', 'segmentation', 'iscrowd') if k in annotation}
        category = annotation.get(self._category)
        return plain | {'category': category, 'name': names.get(_key(category))}


def _mask(segmentation: Any, size: tuple[int, int]) -> Rle | None:
    """Bring a COCO segmentation of any kind to compressed run lengths; None if there is none."""
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        return polygons_to_rle(segmentation, size)
    return checked_rle(segmentation, size)


def _entry_fault(image: Any) -> str:
    if not isinstance(image, dict):
        return f'{image!r:.60} is no object'
    for field, kind in (('id', (int, str)), ('file_name', str)):
        if field not in image:
            return f'{image!r:.60} lacks {field!r}'
        if not isinstance(image[field], kind):
            return f'{field!r} is {image[field]!r:.60}'
    return ''


def _key(value: Any) -> str:
    """Return an id as text, so that 7 and "7" are one image, whatever wrote the file."""
    return str(value)
