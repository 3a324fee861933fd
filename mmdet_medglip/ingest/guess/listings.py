"""Annotation files that list many images: COCO, ODVG, VIA."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from .draft import Draft
from .scan import Scan, split_of_folder, stem_of

__all__ = ['IMAGES', 'guess_coco', 'guess_odvg', 'guess_via']

IMAGES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.gif', '.dcm', '.dicom')
_MAX_BYTES = 200_000_000
_LINES = 200


def guess_coco(scan: Scan) -> Draft | None:
    """Look for COCO json files; of two with the same images the one whose images are here."""
    found: dict[tuple[str, ...], tuple[float, dict[str, str], dict[str, Any]]] = {}
    names: list[str] = []
    left = []
    for file in scan.of('.json'):
        data = _json(scan, file)
        if not _is_coco(data):
            continue
        entry, share = _listed(scan, file, [str(i.get('file_name')) for i in data['images']])
        key = (entry.get('images', ''),)
        if share == 0 or (key in found and found[key][0] >= share):
            left.append(file)
            continue
        if key in found:
            left.append(found[key][1]['file'])
        found[key] = (share, entry, data)
    if not found:
        return None
    entries = [entry for _, entry, _ in found.values()]
    images: list[str] = []
    for _, entry, data in found.values():
        names += [str(category['name']) for category in data['categories']]
        images += [f'{entry.get("images", "")}/{i["file_name"]}' for i in data['images']]
    why = {'reader': f'{len(entries)} json files with images, annotations and categories'}
    missing = sum(not data['annotations'] for *_, data in found.values())
    if left:
        why['annotations'] = f'not taken, their images are not here or in another file: {left[0]}'
    options: dict[str, Any] = {'annotations': entries}
    if missing:
        why['reader'] += f'; {missing} have no annotations'
    return Draft(
        'CocoReader',
        options,
        why,
        names=list(dict.fromkeys(names)),
        images=images,
        stems=[stem_of(image) for image in images],
        splits=_splits(entries),
    )


def guess_odvg(scan: Scan) -> Draft | None:
    """Look for jsonl files whose lines have ``filename`` and ``detection`` or ``grounding``."""
    entries, names, images = [], [], []
    for file in scan.of('.jsonl'):
        lines = _lines(scan, file)
        if not any('detection' in line or 'grounding' in line for line in lines):
            continue
        files = [str(line.get('filename')) for line in lines]
        entry, share = _listed(scan, file, files)
        if share > 0:
            entries.append(entry)
            images += files
            names += [name for line in lines for name in _odvg_names(line)]
    if not entries:
        return None
    return Draft(
        'OdvgReader',
        {'annotations': entries},
        {'reader': 'jsonl files in the ODVG format'},
        names=list(dict.fromkeys(names)),
        images=images,
        stems=[stem_of(image) for image in images],
        splits=_splits(entries),
    )


def guess_via(scan: Scan) -> Draft | None:
    """Look for exports and projects of VIA."""
    entries, images = [], []
    attributes: Counter[str] = Counter()
    names: list[str] = []
    for file in scan.of('.json'):
        data = _json(scan, file)
        if isinstance(data, dict) and '_via_img_metadata' in data:
            data = data['_via_img_metadata']
        if not isinstance(data, dict) or not data:
            continue
        listed = [v for v in data.values() if isinstance(v, dict) and 'regions' in v]
        if len(listed) != len(data):
            continue
        files = [str(one.get('filename')) for one in listed]
        entry, share = _listed(scan, file, files)
        if share == 0:
            continue
        entries.append(entry)
        images += files
        for one in listed:
            for attribute, value in _attributes(one['regions']):
                attributes[attribute] += 1
                names.append(value)
    if not entries:
        return None
    options: dict[str, Any] = {'annotations': entries}
    why = {'reader': 'json files of the VGG image annotator'}
    if len(attributes) == 1:
        options['attribute'] = next(iter(attributes))
    elif attributes:
        options['attribute'] = attributes.most_common(1)[0][0]
        why['attribute'] = f'one of {", ".join(sorted(attributes))}'
    return Draft(
        'ViaReader',
        options,
        why,
        names=sorted(set(names)) if len(attributes) == 1 else (),
        images=images,
        stems=[stem_of(image) for image in images],
        splits=_splits(entries),
    )


def _attributes(regions: Any) -> Iterator[tuple[str, str]]:
    """Yield the attributes of the regions of an image, ticked options joined by commas."""
    for region in regions.values() if isinstance(regions, dict) else regions or ():
        told = region.get('region_attributes') if isinstance(region, dict) else None
        for attribute, value in told.items() if isinstance(told, dict) else ():
            yield attribute, ', '.join(value) if isinstance(value, dict) else str(value)


def _listed(scan: Scan, file: str, names: list[str]) -> tuple[dict[str, str], float]:
    """Find the folder in which the listed images lie, and the share of them that is there."""
    here = PurePosixPath(file).parent
    folders = {PurePosixPath(name).parent.as_posix() for name in scan.of(*IMAGES)}
    known = set(scan.files)
    best, share = '', 0.0
    asked = names[:_LINES]
    for folder in sorted(folders | {'.', here.as_posix(), here.parent.as_posix()}):
        found = sum(_join(folder, name) in known for name in asked) / max(len(asked), 1)
        near = folder == here.as_posix()
        if found > share or (found == share and found > 0 and near):
            best, share = folder, found
    entry = {'file': file}
    if best not in ('', '.'):
        entry['images'] = best
    split = next((s for part in here.parts if (s := split_of_folder(part))), None)
    split = split or next((s for w in stem_of(file).split('_') if (s := split_of_folder(w))), None)
    if split:
        entry['split'] = split
    return entry, share


def _join(folder: str, name: str) -> str:
    return name if folder == '.' else f'{folder}/{name}'


def _splits(entries: list[dict[str, str]]) -> list[str]:
    return sorted({entry['split'] for entry in entries if 'split' in entry})


def _is_coco(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    if not all(isinstance(data.get(key), list) for key in ('images', 'annotations', 'categories')):
        return False
    return all(isinstance(one, dict) for one in data['images']) and all(
        isinstance(one, dict) and {'id', 'name'} <= set(one) for one in data['categories']
    )


def _odvg_names(line: Mapping[str, Any]) -> list[str]:
    detection = line.get('detection')
    instances = detection.get('instances') if isinstance(detection, dict) else None
    found = [one for one in instances or () if isinstance(one, dict)]
    return [str(one['category']) for one in found if 'category' in one]


def _json(scan: Scan, file: str) -> Any:
    path = scan.path(file)
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError):
        return None


def _lines(scan: Scan, file: str) -> list[dict[str, Any]]:
    found = []
    for line in scan.head(file).decode('utf-8', 'replace').splitlines()[:_LINES]:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(content, dict):
            found.append(content)
    return found
