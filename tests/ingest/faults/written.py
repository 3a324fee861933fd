"""Annotation files: damaged files of one image each, and damaged entries of files for all."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .corruption import VALUES, damage_text, deep, put, tree_paths
from .ledger import Fault, Files, Suite, recipe_of
from .raster import SIZE, picture

__all__ = ['COCO_ENTRY', 'SUITES', 'coco_document', 'odvg_line']

_HEIGHT, _WIDTH = SIZE
_SQUARE = [[4, 5], [14, 5], [14, 15], [4, 15]]
_FLAT = [4, 5, 14, 5, 14, 15, 4, 15]
_BOX = [4, 5, 10, 10]

_VOC = (
    '<annotation><filename>a.png</filename><size><width>32</width><height>24</height></size>'
    '<object><name>polyp</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>14</xmax>'
    '<ymax>15</ymax></bndbox></object></annotation>\n'
)
_LABELME = {
    'imageHeight': _HEIGHT,
    'imageWidth': _WIDTH,
    'shapes': [{'label': 'polyp', 'points': _SQUARE, 'shape_type': 'polygon', 'group_id': None}],
}
_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + ''.join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip('abcdefghi', 'bcdefghij', strict=True)
    )
    + ']><annotation><object><name>&j;</name></object></annotation>'
)
_EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<annotation><object><name>&x;</name></object></annotation>'
)


def dump(tree: Any) -> bytes:
    """Write JSON as broken writers do: with NaN, and lone surrogates as escapes."""
    return json.dumps(tree).encode()


def wrong_values(tree: Any, step: int, skip: Sequence[tuple] = ()) -> list[tuple[str, Any]]:
    """Put values of wrong kinds in the place of every value, every ``step``-th of all pairs."""
    pairs = [(path, value) for path in tree_paths(tree) for value in VALUES if path not in skip]
    return [
        (f'{"/".join(map(str, path)) or "all"} = {value!r:.20}', put(tree, path, value))
        for path, value in pairs[::step]
    ]


def _per_image(
    name: str,
    reader: str,
    suffix: str,
    text: str,
    faults: list[Fault],
    *,
    legal: Sequence[str] = (),
    **options: Any,
) -> Suite:
    target = f'{{stem}}.{suffix}'
    found = [
        Fault(
            d.name, {target: d.data}, outcome='noted' if d.fatal and d.name not in legal else 'any'
        )
        for d in damage_text(text, name)
    ]
    recipe = recipe_of(
        name, reader, 'endoscopy', images='{stem}.png', annotations=target, **options
    )
    return Suite(
        name,
        recipe,
        lambda stem, number: {f'{stem}.png': picture(number), f'{stem}.{suffix}': text.encode()},
        found + faults,
    )


def _voc() -> Suite:
    target = '{stem}.xml'
    files = {
        'billion laughs': _LAUGHS,
        'external entity': _EXTERNAL,
        'external DTD': '<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><annotation/>',
        'another document': '<html><body/></html>',
        'size of another image': _VOC.replace('<width>32', '<width>33'),
        'size is text': _VOC.replace('<width>32', '<width>wide'),
        'unknown name': _VOC.replace('polyp', 'banana'),
        'no name': _VOC.replace('<name>polyp</name>', ''),
        'name of 9000 letters': _VOC.replace('polyp', 'x' * 9000),
        'name that is turned': _VOC.replace('polyp', '\u202epylop'),
        'no box': _VOC.replace('bndbox', 'box'),
        'box is reversed': _VOC.replace('<xmax>14', '<xmax>2'),
        'box is outside': _VOC.replace('>5<', '>5000<').replace('>14<', '>6000<'),
        'unknown encoding': '<?xml version="1.0" encoding="banana"?>' + _VOC,
    }
    files |= {
        f'box of {value}': _VOC.replace('<xmin>5', f'<xmin>{value}')
        for value in ('nan', 'inf', '-inf', '', 'x', '1e400', '5,5', '0x5')
    }
    faults = [Fault(n, {target: text.encode()}, outcome='noted') for n, text in files.items()]
    faults.append(Fault('100000 tags deep', {target: deep('<a>', '</a>')}))
    return _per_image('voc', 'VocReader', 'xml', _VOC, faults, legal=['utf-16'])


def _labelme() -> Suite:
    target = '{stem}.json'
    faults = [
        Fault(name, {target: dump(tree)}, outcome='any') for name, tree in wrong_values(_LABELME, 4)
    ]
    faults += [
        Fault('lists 100000 deep', {target: deep('[', ']')}),
        Fault('objects 100000 deep', {target: deep('{"a":', '}')}),
        Fault('half a character', {target: dump(_LABELME).replace(b'polyp', b'\\ud800')}),
        Fault('key twice', {target: b'{"shapes": 1, ' + dump(_LABELME)[1:]}, outcome='any'),
        Fault('a million shapes', {target: dump({'shapes': [0] * 10**6})}, outcome='noted'),
    ]  # fmt: skip
    return _per_image('labelme', 'LabelMeReader', 'json', json.dumps(_LABELME), faults)


def _yolo() -> Suite:
    lines = [
        '7 0.5 0.5 0.2 0.2', '-1 0.5 0.5 0.2 0.2', 'x 0.5 0.5 0.2 0.2', '0.5 0.5 0.5 0.2 0.2',
        '0 0.5 0.5 0.2', '0', '0 nan nan nan nan', '0 inf 0.5 0.2 0.2', '0 0.5 0.5 0 0',
        '0 0.5 0.5 -0.2 -0.2', '0 50 50 0.2 0.2', '0 1e308 1e308 1e308 1e308', '0 a b c d',
        '0 0.1 0.1 0.2 0.2 0.3', '0 0.1 0.1 0.2 nan 0.3 0.4', '0 0.1 0.1 90 90 0.3 0.4',
        '0,0.5,0.5,0.2,0.2', '\u0660 0.5 0.5 0.2 x', '0 ' + '0.5 ' * 250_000,
        '9' * 5000 + ' 0.5 0.5 0.2 0.2',
    ]  # fmt: skip
    faults = [
        Fault(line[:30], {'{stem}.txt': f'{line}\n'.encode()}, outcome='noted') for line in lines
    ]
    return _per_image('yolo', 'YoloReader', 'txt', '0 0.5 0.5 0.25 0.4\n', faults, names=['polyp'])


COCO_ENTRY: dict[str, Any] = {'bbox': _BOX, 'segmentation': [_FLAT]}
"""A sound annotation, less its ids."""


def coco_document(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return a COCO document; an entry is an annotation, or a list of them and of the image."""
    images, annotations = [], []
    for number, (stem, entry) in enumerate(entries.items(), start=1):
        image = {'id': number, 'file_name': f'{stem}.png', 'height': _HEIGHT, 'width': _WIDTH}
        about = entry or {}
        images.append(image | about.get('image', {}))
        annotation = dict(COCO_ENTRY) if entry is None else about.get('annotation', COCO_ENTRY)
        ids = {'id': number, 'image_id': number, 'category_id': 1}
        annotations.append(ids | annotation if isinstance(annotation, dict) else annotation)
    categories = [{'id': 1, 'name': 'polyp'}]
    return {'images': images, 'annotations': annotations, 'categories': categories}


def _coco() -> Suite:
    """Damaged annotations, each of an image of its own."""
    cells = _HEIGHT * _WIDTH
    size = [_HEIGHT, _WIDTH]

    def rle(counts: Any, told: Any = size) -> dict[str, Any]:
        return {'segmentation': {'size': told, 'counts': counts}}

    noted: dict[str, Any] = {
        'runs far over the image': rle([0, 10**12]),
        'runs of 2^63': rle([0, 2**63]),
        'runs are negative': rle([cells + 5, -5]),
        'runs fall short': rle([5, 5]),
        'runs are not whole': rle([0.5, cells - 0.5]),
        'runs are text': rle(['a']),
        'runs are true': rle([True, cells - 1]),
        'runs are NaN': rle([float('nan')]),
        'runs are a number': rle(7),
        'runs are missing': {'segmentation': {'size': size}},
        'no runs': rle([]),
        'text of junk': rle('zzzz~~~\x00'),
        'text never ends': rle('o' * 4000),
        'text of other letters': rle('漢字'),
        'size of another image': rle([0, 100], [10, 10]),
        'size of 2^40': rle([0, 2**80], [2**40, 2**40]),
        'size is a number': rle([0, cells], 7),
        'size is text': rle([0, cells], 'ab'),
        'size is missing': {'segmentation': {'counts': [0, cells]}},
        'polygon of two points': {'segmentation': [[1, 1, 9, 9]]},
        'polygon of 5 numbers': {'segmentation': [[1, 1, 9, 9, 3]]},
        'polygon is NaN': {'segmentation': [[float('nan')] * 8]},
        'polygon is infinite': {'segmentation': [[float('inf')] * 8]},
        'polygon at 1e308': {'segmentation': [[1e308, 0, 0, 1e308, -1e308, 4]]},
        'polygon at 1e9': {'segmentation': [[0, 0, 1e9, 0, 1e9, 1e9]]},
        'polygon of 200000 points': {'segmentation': [[1, 1, 9, 9] * 100_000]},
        'polygon of text': {'segmentation': [['a'] * 8]},
        'polygon of pairs': {'segmentation': [_SQUARE]},
        'polygon is text': {'segmentation': 'polygon'},
        'box is NaN': {'bbox': [float('nan')] * 4, 'segmentation': []},
        'box is infinite': {'bbox': [0, 0, float('inf'), float('inf')], 'segmentation': []},
        'box is negative': {'bbox': [9, 9, -5, -5], 'segmentation': []},
        'box is empty': {'bbox': [9, 9, 0, 0], 'segmentation': []},
        'box is outside': {'bbox': [900, 900, 5, 5], 'segmentation': []},
        'box overflows': {'bbox': [1e308, 1e308, 1e308, 1e308], 'segmentation': []},
        'box of huge numbers': {'bbox': [9**400, 0, 5, 5], 'segmentation': []},
        'box of text': {'bbox': ['1', '2', '3', '4'], 'segmentation': []},
        'box of three': {'bbox': [1, 2, 3], 'segmentation': []},
        'box of lists': {'bbox': [[1], [2], [3], [4]], 'segmentation': []},
        'box is text': {'bbox': '1 2 3 4', 'segmentation': []},
        'box is missing': {'bbox': None, 'segmentation': None},
        'box and polygon disagree': {'bbox': [20, 1, 4, 4]},
        'unknown category': {'category_id': 99},
        'category is a list': {'category_id': [1]},
        'category is missing': {'category_id': None},
    }
    faults = [
        Fault(name, entry={'annotation': COCO_ENTRY | change}, outcome='noted')
        for name, change in noted.items()
    ]
    names = [
        '../../secret.png', '/etc/passwd', '/dev/zero', 'C:\\a.png', '\\\\host\\a.png', 'a\0.png',
        '..', '.', '', 'gone.png', 'a/../../b.png', '..\\b.png', 'x' * 300 + '.png', 'x/' * 3000,
        '\u202egnp.a', '漢字.png', 'a\nb.png', '~root/a.png', 'file:///etc/passwd', 'notes.json', 'http://a/b.png',
        '%2e%2e/a.png',
    ]  # fmt: skip
    sizes = [{'height': 25}, {'width': '32'}, {'height': -24}, {'width': 10**12}, {'height': 24.5}]
    sizes += [{'height': float('nan')}, {'height': [24]}]
    faults += [Fault(f'image of {change!r:.40}', entry={'image': change}) for change in sizes]
    faults += [
        Fault(f'image called {name!r:.30}', entry={'image': {'file_name': name}}) for name in names
    ]

    def listing(entries: Mapping[str, Any]) -> Files:
        named = {
            stem: None if entry is None else json.loads(json.dumps(entry).replace('{stem}', stem))
            for stem, entry in entries.items()
        }
        return {'notes.json': dump(coco_document(named))}

    return _listed('coco', 'CocoReader', faults, listing)


def odvg_line(stem: str, **changes: Any) -> dict[str, Any]:
    """Return a line of ODVG."""
    instance = {'bbox': [4, 5, 14, 15], 'category': 'polyp'}
    line = {'filename': f'{stem}.png', 'height': _HEIGHT, 'width': _WIDTH}
    return line | {'detection': {'instances': [instance]}} | changes


def _odvg() -> Suite:
    phrase = {'caption': 'a polyp', 'regions': [{'phrase': 'polyp', 'bbox': [4, 5, 14, 15]}]}
    lines = [
        ('grounding ' + name, {'detection': {}, 'grounding': tree})
        for name, tree in wrong_values(phrase, 5)
    ]
    instances = odvg_line('')['detection']
    lines += [(name, {'detection': tree}) for name, tree in wrong_values(instances, 4)]
    lines += [('height ' + repr(v)[:20], {'height': v}) for v in VALUES[::4]]
    spans = ([[0, 99]], [[-1, 3]], [[5, 2]], [[0.5, 2]], [['a', 'b']], [[0]], 7, [[0, 10**30]])
    for span in spans:
        regions = [phrase['regions'][0] | {'tokens_positive': span}]
        lines.append(
            (f'spans {span}', {'detection': {}, 'grounding': phrase | {'regions': regions}})
        )
    faults = [Fault(name, entry=change, outcome='any') for name, change in lines]

    def listing(entries: Mapping[str, Any]) -> Files:
        lines = [json.dumps(odvg_line(stem, **(entry or {}))) for stem, entry in entries.items()]
        return {'notes.json': '\n'.join(lines).encode()}

    return _listed('odvg', 'OdvgReader', faults, listing)


def _listed(
    name: str, reader: str, faults: list[Fault], listing: Callable[[Mapping[str, Any]], Files]
) -> Suite:
    recipe = recipe_of(name, reader, 'endoscopy', annotations=[{'file': 'notes.json'}])
    return Suite(
        name, recipe, lambda stem, number: {f'{stem}.png': picture(number)}, faults, listing
    )


def _csv() -> Suite:
    cells = (
        'nan',
        'inf',
        '-5',
        '1e400',
        'x',
        '',
        ' ',
        '5,5',
        '"5',
        '5"5',
        '\u0665',
        '9' * 500,
        '\u202e5',
    )
    faults = [
        Fault(f'{column} = {cell!r:.20}', entry={column: cell}, outcome='any')
        for column in ('x1', 'y2', 'label', 'spacing')
        for cell in cells
        if not ({'"', ','} & set(cell))
    ]
    faults += [
        Fault('box is reversed', entry={'x1': '20'}, outcome='noted'),
        Fault('box is outside', entry={'x1': '500', 'x2': '600'}, outcome='noted'),
        Fault('label is unknown', entry={'label': 'banana'}, outcome='noted'),
        Fault('label of 4000 letters', entry={'label': 'x' * 4000}, outcome='noted'),
        Fault('row is short', entry={'y2': None}, outcome='noted'),
        Fault('row is long', entry={'spacing': '1,1,1,1,1'}, outcome='any'),
    ]
    columns = ('image', 'x1', 'y1', 'x2', 'y2', 'label', 'spacing')

    def listing(entries: Mapping[str, Any]) -> Files:
        lines = [','.join(columns)]
        for stem, entry in entries.items():
            row = dict(zip(columns, (stem, '4', '5', '14', '15', 'polyp', '1'), strict=True))
            row |= entry or {}
            told = [row[column] for column in columns]
            lines.append(','.join(told[: told.index(None)] if None in told else told))
        return {'notes.csv': '\n'.join(lines).encode()}

    recipe = recipe_of(
        'csv_rows', 'CsvReader', 'endoscopy', annotations='notes.csv', images='{image}.png',
        columns={column: column for column in columns},
    )  # fmt: skip
    return Suite(
        'csv_rows', recipe, lambda stem, number: {f'{stem}.png': picture(number)}, faults, listing
    )


SUITES = (_voc(), _labelme(), _yolo(), _coco(), _odvg(), _csv())
