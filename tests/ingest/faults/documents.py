"""Data sets with one annotation file for all, which is damaged as a whole."""

import json
from collections.abc import Mapping
from typing import Any

from .corruption import damage_text, deep
from .ledger import Document, Files, recipe_of
from .raster import picture
from .volume_bytes import ct, labels, nifti
from .written import coco_document, dump, odvg_line, wrong_values

__all__ = ['DOCUMENTS']

_STEMS = ('a', 'b', 'c')
_LIST = [{'file': 'notes.json'}]


def _pictures() -> dict[str, bytes]:
    return {f'{stem}.png': picture(number) for number, stem in enumerate(_STEMS)}


def _documents(
    name: str,
    recipe: Mapping[str, Any],
    file: str,
    others: Files,
    contents: list[tuple[str, bytes, bool]],
    images: int = len(_STEMS),
) -> list[Document]:
    """Make a document for each content of a file: what was done, the bytes, if it is fatal."""
    return [
        Document(
            f'{name}: {told}',
            recipe,
            dict(others) | {file: data},
            file,
            'error' if fatal else 'any',
            images,
        )
        for told, data, fatal in contents
    ]


def _texts(text: str, seed: str, fatal: bool = True) -> list[tuple[str, bytes, bool]]:
    return [(d.name, d.data, d.fatal and fatal) for d in damage_text(text, seed, 6)]


_DEEP = [
    ('lists 100000 deep', deep('[', ']'), True),
    ('objects 100000 deep', deep('{"a":', '}'), True),
    ('a number', b'7', True),
    ('null', b'null', True),
    ('digits', b'9' * 100_000, True),
    ('half a character', b'{"images": "\\ud800"}', True),
]


def _coco() -> list[Document]:
    tree = coco_document(dict.fromkeys(_STEMS))
    twice = tree | {'images': tree['images'] * 2}
    orphan = tree | {'images': tree['images'][:2]}
    contents = [(told, dump(changed), False) for told, changed in wrong_values(tree, 17)]
    contents += _texts(json.dumps(tree), 'coco') + _DEEP
    contents += [
        ('images twice', dump(twice), False),
        ('annotation of a missing image', dump(orphan), False),
        ('ids are text', json.dumps(tree).replace('"id": 1', '"id": "1"').encode(), False),
        ('images is null', dump(tree | {'images': None}), True),
        ('no categories', dump(tree | {'categories': None}), True),
        ('category without name', dump(tree | {'categories': [{'id': 1}]}), True),
    ]
    recipe = recipe_of('coco_file', 'CocoReader', 'endoscopy', annotations=_LIST)
    return _documents('coco', recipe, 'notes.json', _pictures(), contents)


def _via() -> list[Document]:
    shape = {'name': 'rect', 'x': 4, 'y': 5, 'width': 10, 'height': 10}
    region = {'shape_attributes': shape, 'region_attributes': {'kind': 'polyp'}}
    tree = {stem: {'filename': f'{stem}.png', 'regions': [region]} for stem in _STEMS}
    contents = [(told, dump(changed), False) for told, changed in wrong_values(tree, 13)]
    contents += _texts(json.dumps(tree), 'via') + _DEEP[:5]
    recipe = recipe_of('via_file', 'ViaReader', 'endoscopy', annotations=_LIST)
    return _documents('via', recipe, 'notes.json', _pictures(), contents)


def _odvg() -> list[Document]:
    text = '\n'.join(json.dumps(odvg_line(stem)) for stem in _STEMS)
    recipe = recipe_of('odvg_file', 'OdvgReader', 'endoscopy', annotations=_LIST)
    contents = _texts(text, 'odvg', fatal=False) + [(told, data, False) for told, data, _ in _DEEP]
    return _documents('odvg', recipe, 'notes.json', _pictures(), contents)


def _csv() -> list[Document]:
    rows = ''.join(f'{stem},4,5,14,15,polyp\n' for stem in _STEMS)
    head = 'image,x1,y1,x2,y2,label\n'
    contents = _texts(head + rows, 'csv')
    contents += [
        ('no header', rows.encode(), True),
        ('only a header', head.encode(), False),
        ('column is missing', (head + rows).replace('x2', 'z').encode(), True),
        ('column is there twice', (head + rows).replace('y1', 'x1').encode(), True),
        ('quote that never ends', (head + 'a,"4,5,14,15,polyp\n' + rows).encode(), True),
        ('cell of 3 MB', (head + 'a,4,5,14,15,' + 'x' * 3_000_000 + '\n' + rows).encode(), True),
        ('line of 5 MB', (head + 'x' * 5_000_000 + '\n' + rows).encode(), True),
        ('semicolons', (head + rows).replace(',', ';').encode(), True),
        ('Latin-1', (head + rows).encode() + b'd,4,5,14,15,l\xe9sion\n', True),
        ('blank lines', head.encode() + b'\n' * 9999 + rows.encode(), False),
        ('unknown images', (head + rows * 3).replace('a,', 'z,').encode(), False),
        ('paths', (head + '../../b,1,1,9,9,polyp\n' + rows).encode(), False),
    ]
    columns = {name: name for name in head.strip().split(',')}
    recipe = recipe_of(
        'csv_file',
        'CsvReader',
        'endoscopy',
        annotations='notes.csv',
        images='{image}.png',
        columns=columns,
    )
    return _documents('csv', recipe, 'notes.csv', _pictures(), contents)


def _label_names() -> list[Document]:
    """Make damaged ``dataset.json`` files of nnU-Net."""
    tree = {'labels': {'background': 0, 'liver': 1}, 'channel_names': {'0': 'CT'}}
    volumes = {'imagesTr/a_0000.nii': nifti(ct(1)), 'labelsTr/a.nii': nifti(labels())}
    contents = [(told, dump(changed), False) for told, changed in wrong_values(tree['labels'], 3)]
    contents = [(t, b'{"labels": ' + data + b'}', False) for t, data, _ in contents]
    contents += _texts(json.dumps(tree), 'names') + _DEEP[:5]
    recipe = recipe_of(
        'names_file',
        'NiftiReader',
        'ct',
        images='imagesTr/{stem}_0000.nii',
        annotations='labelsTr/{stem}.nii',
        empty_share=1.0,
    )
    return _documents('names', recipe, 'dataset.json', volumes, contents, images=4)


def _class_names() -> list[Document]:
    """Make damaged ``data.yaml`` files of YOLO."""
    files = _pictures() | {f'{stem}.txt': b'0 0.5 0.5 0.25 0.4\n' for stem in _STEMS}
    text = 'path: .\nnames:\n  0: polyp\n'
    fatal = {
        'no names': 'path: .\n',
        'names are a number': 'names: 7\n',
        'names are null': 'names:\n',
        'name is a list': 'names: [[polyp]]\n',
        'name is null': 'names: [null]\n',
        'names from 5 on': 'names: {5: polyp}\n',
        'unknown name': 'names: [banana]\n',
        'code': 'names: !!python/object/apply:os.system ["touch /tmp/x"]\n',
        'a tab': 'names:\n\t- polyp\n',
        'lists 5000 deep': '[' * 5000,
        'billion laughs': 'a: &a [x, x]\n'
        + ''.join(f'{b}: &{b} [{", ".join(f"*{a}" for _ in range(9))}]\n'
                  for a, b in zip('abcdefgh', 'bcdefghi', strict=True)) + 'names: *i\n',
        '2 MB': '#' * 2_000_000,
    }  # fmt: skip
    contents = _texts(text, 'yaml', fatal=False)
    contents += [(told, data.encode(), True) for told, data in fatal.items()]
    recipe = recipe_of(
        'yolo_names', 'YoloReader', 'endoscopy', images='{stem}.png', annotations='{stem}.txt'
    )
    return _documents('yolo', recipe, 'data.yaml', files, contents)


DOCUMENTS = (*_coco(), *_via(), *_odvg(), *_csv(), *_label_names(), *_class_names())
