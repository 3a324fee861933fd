"""COCO files: detection or grounding annotations of all images in one JSON object."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdet_medglip.ingest.outlines import checked_rle, polygons_to_rle
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record, Rle

from .lines import LineSource

__all__ = ['CocoSource']

_MOST = 1 << 1000


class CocoSource(LineSource):
    """Read a COCO annotation file (``*.json``).

    Categories are labels: any name the ontology knows. Boxes ``[x, y, w, h]`` become
    ``(x, y, x + w, y + h)``; polygons and uncompressed masks become COCO compressed RLE. Optional
    fields of an image are those of an ODVG line (``image_id`` among them, by default the ``id``),
    and ``caption``; an annotation with ``tokens_positive`` then grounds a part of the caption, and
    its category need not be a label.

    Args:
        path: The ``.json`` file.
        image_root: Folder that ``file_name`` is relative to.
        ontology: Names that modalities and labels are parsed by.
        modality: Modality of images that name none.
        bad_boxes: ``'error'`` or ``'drop'``.
        label_map: Category names of the file to names the ontology knows.
    """

    def __init__(
        self,
        path: Path,
        image_root: Path,
        ontology: Ontology,
        modality: str | None = None,
        bad_boxes: str = 'error',
        label_map: Mapping[str, str] | None = None,
    ) -> None:
        data = _load(path)
        self._categories = {c['id']: _name(path, c) for c in data['categories']}
        lines = _lines(path, data)
        super().__init__(path, image_root, ontology, modality, bad_boxes, label_map, lines)

    @property
    def declared_labels(self) -> tuple[str, ...]:
        """Label ids that occur, and those of categories that the ontology knows."""
        known = []
        for name in self._categories.values():
            try:
                known.append(self.ontology.parse_label(self.label_map.get(name, name)))
            except ValueError:
                continue
        return tuple(dict.fromkeys([*known, *super().declared_labels]))

    def _record(self, data: dict[str, Any]) -> Record:
        image = data['image']
        name = str(image.get('image_id', image['id']))
        fields = self._common(image, name, image['file_name'])
        instances = [
            self._annotation(entry, image['width'], image['height'])
            for entry in data['annotations']
        ]
        return Record(
            **fields,
            caption=image.get('caption'),
            instances=tuple(i for i in instances if i is not None),
        )

    def _annotation(self, entry: dict[str, Any], width: int, height: int) -> Instance | None:
        name = f'annotation {entry.get("id", "?")!r}'
        if entry.get('category_id') not in self._categories:
            raise ValueError(
                f'{name} has category_id {entry.get("category_id")!r}, which categories do not '
                f'list (they list {sorted(self._categories)}): correct the file.'
            )
        if not _is_box(entry['bbox']):
            raise ValueError(f'{name} must have a bbox of four numbers, got {entry["bbox"]!r:.80}.')
        x, y, w, h = entry['bbox']
        spans = entry.get('tokens_positive') or ()
        category = self._categories[entry['category_id']]
        label = None if spans and not self._is_label(category) else category
        try:
            return self._instance(
                [x, y, x + w, y + h],
                width,
                height,
                label,
                tokens_positive=spans,
                mask=_rle(entry.get('segmentation'), width, height),
                is_crowd=bool(entry.get('iscrowd', 0)),
                volume_instance_id=entry.get('volume_instance_id'),
            )
        except ValueError as error:
            raise ValueError(f'{name}: {error}') from error

    def _is_label(self, category: str) -> bool:
        try:
            self.ontology.parse_label(self.label_map.get(category, category))
        except ValueError:
            return False
        return True


def _is_box(value: Any) -> bool:
    is_list = isinstance(value, list | tuple) and len(value) == 4
    return is_list and all(
        isinstance(v, float) or (isinstance(v, int) and not isinstance(v, bool) and abs(v) < _MOST)
        for v in value
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not valid JSON ({error}): correct the file.') from error
    if not isinstance(data, dict) or not {'images', 'annotations'} <= data.keys():
        found = sorted(data)[:12] if isinstance(data, dict) else type(data).__name__
        raise ValueError(
            f'{path} is no COCO file: expected an object with "images", "annotations" and '
            f'"categories", got {found}.'
        )
    for key, needed in (('images', 'id'), ('annotations', 'image_id'), ('categories', 'id')):
        _check_list(path, key, data.setdefault(key, []), needed)
    return data


def _check_list(path: Path, key: str, entries: Any, needed: str) -> None:
    if not isinstance(entries, list):
        raise ValueError(f'{path}: "{key}" must be a list, got {type(entries).__name__}.')
    for number, entry in enumerate(entries):
        value = entry.get(needed) if isinstance(entry, dict) else None
        if not isinstance(value, int | str):
            raise ValueError(
                f'{path}: {key}[{number}] must be an object with "{needed}", a number or text, got '
                f'{entry!r:.80}: correct the file.'
            )
    if key != 'annotations':
        twice = [value for value, n in Counter(entry[needed] for entry in entries).items() if n > 1]
        if twice:
            raise ValueError(f'{path}: two of {key} have the id {twice[0]!r:.80}.')


def _lines(path: Path, data: dict[str, Any]) -> list[bytes]:
    """Group the annotations by image; one compact JSON object per image."""
    groups: dict[Any, list[dict[str, Any]]] = {image['id']: [] for image in data['images']}
    for entry in data['annotations']:
        if entry.get('image_id') not in groups:
            raise ValueError(
                f'{path}: annotation {entry.get("id", "?")!r} has image_id '
                f'{entry.get("image_id")!r}, which images do not list: correct the file.'
            )
        groups[entry['image_id']].append(entry)
    return [
        json.dumps({'image': image, 'annotations': groups[image['id']]}).encode()
        for image in data['images']
    ]


def _name(path: Path, category: dict[str, Any]) -> str:
    if not isinstance(category.get('name'), str | int):
        raise ValueError(f'{path}: category {category["id"]!r:.80} has no "name".')
    return str(category['name'])


def _rle(segmentation: Any, width: int, height: int) -> Rle | None:
    """Turn a COCO segmentation (polygons, counts, RLE) into a compressed RLE; None if absent."""
    if not segmentation:
        return None
    if isinstance(segmentation, dict):
        return checked_rle(segmentation, (height, width))
    if not isinstance(segmentation, list):
        raise ValueError(f'segmentation must be polygons or run lengths, got {segmentation!r:.80}')
    polygons = [one for one in segmentation if not isinstance(one, list) or len(one) >= 6]
    return polygons_to_rle(polygons, (height, width))
