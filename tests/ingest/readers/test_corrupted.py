"""Corrupted files: an error that readers may raise, or rejects, and never anything else."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy import sparse

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import (
    CocoReader,
    CsvReader,
    LabelMeReader,
    MaskImageReader,
    OdvgReader,
    ScipyNpzReader,
    ViaReader,
    VocReader,
    YoloReader,
)

_MUTATIONS = 120
_VALUES = ('null', 'true', '-1', '1e999', 'NaN', '"x"', '[]', '{}', '""', '9' * 400, '"../../x"')
_VALUES += (r'"\ud800"', '[[]]', '0', '1e308')
_TOKEN = re.compile(r'-?\d+\.?\d*|"[^"]*"|\[[^\[\]]*\]|\{[^{}]*\}|<[^>]*>')

_COCO = {
    'images': [{'id': 1, 'file_name': 'a.png', 'height': 24, 'width': 32}],
    'categories': [{'id': 1, 'name': 'polyp'}],
    'annotations': [
        {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 3, 4],
         'segmentation': [[1, 1, 9, 2, 3, 20]]},
        {'id': 2, 'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 3, 4],
         'segmentation': {'size': [24, 32], 'counts': 'T3d0P7'}},
    ],
}  # fmt: skip
_VOC = (
    '<annotation><size><width>32</width><height>24</height></size><object><name>polyp</name>'
    '<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>'
    '</annotation>'
)
_LABELME = {
    'shapes': [
        {'label': 'polyp', 'points': [[1, 1], [9, 2], [3, 20]], 'shape_type': 'polygon',
         'group_id': 1, 'flags': {}},
        {'label': 'polyp', 'points': [[9, 9], [9, 5]], 'shape_type': 'circle', 'group_id': 1},
    ],
    'imageHeight': 24,
    'imageWidth': 32,
}  # fmt: skip
_RECT = {'name': 'rect', 'x': 1, 'y': 2, 'width': 3, 'height': 3}
_ELLIPSE = {'name': 'ellipse', 'cx': 9, 'cy': 9, 'rx': 3, 'ry': 3, 'theta': 0.2}
_VIA = {
    'a1': {
        'filename': 'a.png',
        'regions': [
            {'shape_attributes': shape, 'region_attributes': {'kind': 'polyp'}}
            for shape in (_RECT, _ELLIPSE)
        ],
    }
}
_ODVG = {
    'filename': 'a.png',
    'grounding': {
        'caption': 'a b',
        'regions': [{'phrase': 'a', 'bbox': [[1, 2, 3, 4]], 'tokens_positive': [[0, 1]]}],
    },
}
_CSV = 'image,label,x1,y1,x2,y2,spacing\na,polyp,1,2,3,4,"1, 1"\na,"x",1,,3,4,\n'
_COLUMNS = {name: name for name in ('image', 'label', 'x1', 'y1', 'x2', 'y2', 'spacing')}
_LISTED = {'annotations': [{'file': 'notes', 'images': ''}]}

_TEXTS = [
    pytest.param(CocoReader, 'notes', json.dumps(_COCO), _LISTED, id='coco'),
    pytest.param(ViaReader, 'notes', json.dumps(_VIA), _LISTED, id='via'),
    pytest.param(OdvgReader, 'notes', json.dumps(_ODVG) + '\n', _LISTED, id='odvg'),
    pytest.param(VocReader, 'a.xml', _VOC, {'annotations': '{stem}.xml'}, id='voc'),
    pytest.param(LabelMeReader, 'a.json', json.dumps(_LABELME), {}, id='labelme'),
    pytest.param(
        YoloReader,
        'a.txt',
        '0 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.5 0.1 0.3 0.6\n',
        {'annotations': '{stem}.txt', 'names': ['polyp']},
        id='yolo',
    ),
    pytest.param(CsvReader, 'notes', _CSV, {'annotations': 'notes', 'columns': _COLUMNS}, id='csv'),
]


def _corrupt(data: bytes, rng: random.Random, is_text: bool) -> bytes:
    """Cut, overwrite, insert, delete, or put another value in the place of one."""
    place = rng.randrange(len(data))
    kind = rng.randrange(8 if is_text else 4)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + rng.randbytes(3) + data[place + 3 :]
    if kind == 2:
        return data[:place] + rng.randbytes(9) + data[place:]
    if kind == 3:
        return data[:place] + data[place + rng.randrange(1, 30) :]
    text = data.decode()
    token = rng.choice(list(_TOKEN.finditer(text)))
    return (text[: token.start()] + rng.choice(_VALUES) + text[token.end() :]).encode()


def _read_all(reader: Callable) -> None:
    """Read everything; what a reader may raise is fine, what it gives must be usable."""
    try:
        made = reader()
        items = made.items()
    except (ValueError, OSError):
        return
    for item in items:
        json.dumps(item.payload)
        try:
            images = list(made.read(item))
        except (ValueError, OSError):
            continue
        for image in images:
            for region in image.regions:
                region.name.encode()
                if isinstance(region.mask, dict):
                    assert decode_rle(region.mask).shape == image.size
    for reject in made.take_rejects():
        reject.detail.encode()


@pytest.mark.parametrize(('kind', 'file', 'text', 'options'), _TEXTS)
def test_corrupted_annotations(
    tmp_path: Path, save: Callable, common: dict, kind: Any, file: str, text: str, options: dict
) -> None:
    save(tmp_path / 'a.png', np.zeros((24, 32), dtype=np.uint8))
    if 'images' not in options and options is not _LISTED:
        options = options | {'images': '{image}.png' if kind is CsvReader else '{stem}.png'}
    rng = random.Random(file)
    for _ in range(_MUTATIONS):
        (tmp_path / file).write_bytes(_corrupt(text.encode(), rng, is_text=True))
        _read_all(lambda: kind(tmp_path, **options, **common))


@pytest.mark.parametrize('suffix', ['png', 'tif', 'bmp', 'gif', 'nii', 'nii.gz', 'npz'])
def test_corrupted_masks(tmp_path: Path, save: Callable, common: dict, suffix: str) -> None:
    save(tmp_path / 'image' / 'a.png', np.zeros((24, 32), dtype=np.uint8))
    mask = np.zeros((24, 32), dtype=np.uint8)
    mask[3:9, 4:20] = 1
    path = tmp_path / f'a.{suffix}'
    if suffix == 'npz':
        sparse.save_npz(path, sparse.csr_matrix(mask.reshape(1, -1)))
    elif suffix.startswith('nii'):
        nibabel.save(nibabel.Nifti1Image(mask.T, np.eye(4)), path)
    else:
        save(path, mask)
    kind: Any = MaskImageReader
    options: dict[str, Any] = {'masks': [{'path': f'{{stem}}.{suffix}', 'values': {1: 'polyp'}}]}
    if suffix == 'npz':
        kind, options = ScipyNpzReader, {'arrays': '{stem}.npz', 'channels': ['spleen']}
    data, rng = path.read_bytes(), random.Random(suffix)
    for _ in range(_MUTATIONS):
        path.write_bytes(_corrupt(data, rng, is_text=False))
        _read_all(lambda: kind(tmp_path, images='image/{stem}.png', **options, **common))
