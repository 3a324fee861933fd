"""One annotation file per image: YOLO, Pascal VOC, LabelMe."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from mmdet_medglip.ontology.plain_yaml import load_yaml

from .draft import Draft
from .listings import IMAGES
from .pairing import pair_files
from .patterns import patterns_of
from .scan import HEAD_BYTES, Scan, stem_of

__all__ = ['guess_labelme', 'guess_voc', 'guess_yolo', 'split_folders']

_YOLO = re.compile(r'\d+(\s+-?\d*\.?\d+(e-?\d+)?){4,}\s*')
_NAME = re.compile(r'<name>\s*([^<]+?)\s*</name>')
_LOOKED_AT = 200


def guess_yolo(scan: Scan) -> Draft | None:
    """Look for text files with the name of an image and lines of a number and shares."""
    files = [name for name in scan.of('.txt') if _is_yolo(scan.head(name))]
    draft = _sidecar(scan, 'YoloReader', files, 'text files of class numbers and shares')
    if draft is None:
        return None
    names, source = _class_names(scan)
    if names:
        draft.names = names
        if source != 'data.yaml':
            draft.options['names'] = source if source.endswith(('.yaml', '.yml')) else names
            draft.why['names'] = f'from {source}'
    else:
        highest = max(_classes(scan, files), default=0)
        draft.names = [f'class {number}' for number in range(highest + 1)]
        draft.options['names'] = list(draft.names)
        draft.why['names'] = 'no file names the classes: write their names in this order'
    return draft


def guess_voc(scan: Scan) -> Draft | None:
    """Look for XML files with objects."""
    files = [name for name in scan.of('.xml') if b'<annotation' in scan.head(name)]
    draft = _sidecar(scan, 'VocReader', files, 'XML files of Pascal VOC')
    if draft is not None:
        draft.names = _names(scan, files, _voc_names)
    return draft


def guess_labelme(scan: Scan) -> Draft | None:
    """Look for json files with shapes."""
    files = [name for name in scan.of('.json') if _is_labelme(scan.head(name))]
    draft = _sidecar(scan, 'LabelMeReader', files, 'json files of LabelMe')
    if draft is not None:
        draft.names = _names(scan, files, _labelme_names)
    return draft


def _sidecar(scan: Scan, reader: str, files: Sequence[str], told: str) -> Draft | None:
    images = scan.of(*IMAGES)
    pairs = [pair for pair in pair_files(images, files) if stem_of(pair.mark) == pair.stem]
    if not pairs:
        return None
    found = patterns_of(pairs)
    best = found[0]
    why = {'reader': f'{len(best.pairs)} {told}'}
    if len(found) > 1:
        why['images'] = f'{len(pairs) - len(best.pairs)} more pairs lie elsewhere'
    return Draft(
        reader,
        {'images': best.images, 'annotations': best.marks},
        why,
        images=[pair.image for pair in best.pairs],
        stems=[stem_of(pair.image) for pair in best.pairs],
        splits=split_folders(best.images, [pair.image for pair in best.pairs]),
    )


def split_folders(pattern: str, images: Sequence[str]) -> list[str]:
    """Return what stands for ``{split}`` of a pattern in the paths of images."""
    parts = pattern.split('/')
    place = next((i for i, part in enumerate(parts) if '{split}' in part), None)
    if place is None:
        return []
    start, _, end = parts[place].partition('{split}')
    folders = {image.split('/')[place] for image in images}
    return sorted(folder[len(start) : len(folder) - len(end)] for folder in folders)


def _is_yolo(head: bytes) -> bool:
    lines = [line for line in head.decode('utf-8', 'replace').splitlines() if line.strip()]
    return not lines or _YOLO.fullmatch(lines[0]) is not None


def _classes(scan: Scan, files: Sequence[str]) -> set[int]:
    lines = (line for name in files[:_LOOKED_AT] for line in scan.head(name).splitlines())
    return {int(words[0]) for line in lines if (words := line.split()) and words[0].isdigit()}


def _class_names(scan: Scan) -> tuple[list[str], str]:
    for name in scan.of('.yaml', '.yml'):
        try:
            content = load_yaml(scan.head(name))
        except ValueError:
            continue
        names = content.get('names') if isinstance(content, dict) else None
        if isinstance(names, dict):
            names = [names[key] for key in sorted(names, key=_place)]
        if isinstance(names, list) and names:
            return [str(one) for one in names], name
    for name in scan.of('.txt', '.names'):
        if stem_of(name) in ('classes', 'obj', 'labels', 'names'):
            lines = scan.head(name).decode('utf-8', 'replace').splitlines()
            return [line.strip() for line in lines if line.strip()], name
    return [], ''


def _place(key: Any) -> tuple[bool, int, str]:
    return (False, key, '') if isinstance(key, int) else (True, 0, str(key))


def _names(scan: Scan, files: Sequence[str], read: Callable[[bytes], list[str]]) -> list[str]:
    found = (name for file in files[:_LOOKED_AT] for name in read(scan.head(file)))
    return sorted(set(found))


def _voc_names(head: bytes) -> list[str]:
    return _NAME.findall(head.decode('utf-8', 'replace'))


def _is_labelme(head: bytes) -> bool:
    """Tell LabelMe files by what they begin with; they may be long, for they hold their image."""
    if b'"shapes"' not in head or not head.lstrip().startswith(b'{'):
        return False
    try:
        return isinstance(json.loads(head).get('shapes'), list)
    except (ValueError, RecursionError, AttributeError):
        return len(head) == HEAD_BYTES


def _labelme_names(head: bytes) -> list[str]:
    try:
        content: Any = json.loads(head)
    except (ValueError, RecursionError):
        return re.findall(r'"label":\s*"([^"]+)"', head.decode('utf-8', 'replace'))
    shapes = content.get('shapes') if isinstance(content, dict) else None
    return [str(shape.get('label')) for shape in shapes or () if isinstance(shape, dict)]
