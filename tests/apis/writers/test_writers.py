import csv
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from mmdet_medglip.apis import (
    Failure,
    FoundBox,
    GroundingResult,
    ImageSource,
    PhraseAnswer,
    read_question,
)
from mmdet_medglip.apis.writers import WRITERS, write_results

FAILURE = Failure(ImageSource('bad.png', 'bad.png'), 'read', 'bad.png is damaged.')


def result(name: str, *boxes: FoundBox, index: int | None = None) -> GroundingResult:
    return GroundingResult(
        source=ImageSource(name, f'/data/{name}', slice_index=index),
        height=40,
        width=60,
        question=read_question('liver, spleen'),
        boxes=boxes,
        answers=(
            PhraseAnswer('liver', False, True, 0.9, len(boxes), 0.75),
            PhraseAnswer('spleen', False, False),
        ),
        modality='ct',
        view=np.full((40, 60, 3), 90, np.uint8),
    )


FOUND = [
    result('a.png', FoundBox((1.0, 2.0, 31.0, 22.0), 0.75, 'liver', 0)),
    FAILURE,
    result('b\udce9 "x", y.png', index=3),
]


def write(folder, *formats, found=FOUND):
    assert list(write_results(iter(found), folder, formats)) == found


def test_json(tmp_path):
    write(tmp_path / 'new', 'json')
    content = json.loads((tmp_path / 'new' / 'predictions.json').read_text())
    assert [one['path'] for one in content['results']] == [
        '/data/a.png',
        '/data/b\ufffd "x", y.png',
    ]
    assert content['results'][0]['boxes'][0]['bbox'] == [1.0, 2.0, 31.0, 22.0]
    assert content['failures'][0]['reason'] == 'bad.png is damaged.'


def test_coco_is_read_by_pycocotools(tmp_path, capsys):
    write(tmp_path, 'coco')
    coco = COCO(str(tmp_path / 'coco.json'))
    assert [image['id'] for image in coco.dataset['images']] == [1, 2]
    assert coco.dataset['images'][1]['slice_index'] == 3
    (box,) = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert box['bbox'] == [1.0, 2.0, 30.0, 20.0]
    assert box['area'] == 600
    assert box['score'] == 0.75
    assert [one['name'] for one in coco.dataset['categories']] == ['liver', 'spleen']


def test_tables(tmp_path):
    write(tmp_path, 'csv')

    def rows(name):
        with (tmp_path / name).open(newline='', encoding='utf-8') as file:
            return list(csv.DictReader(file))

    (box,) = rows('boxes.csv')
    assert (box['label'], box['score'], box['x2'], box['slice_index']) == (
        'liver',
        '0.75',
        '31.0',
        '',
    )
    assert [(row['phrase'], row['present']) for row in rows('phrases.csv')] == [
        ('liver', '1'),
        ('spleen', '0'),
    ] * 2
    assert rows('failures.csv')[0]['reason'] == 'bad.png is damaged.'


def test_pictures_of_one_name_in_two_folders(tmp_path):
    write(tmp_path, 'png', found=[result('x/a.png'), result('y/a.png')])
    files = sorted((tmp_path / 'pictures').iterdir())
    assert len(files) == 2
    assert all(file.name.startswith('a~') for file in files)
    assert Image.open(files[0]).size[0] >= 768


@pytest.mark.parametrize('name', sorted(WRITERS))
def test_nothing_found_is_a_file(name, tmp_path):
    write(tmp_path, name, found=[])
    if name == 'json':
        assert json.loads((tmp_path / 'predictions.json').read_text()) == {
            'results': [], 'failures': [],
        }  # fmt: skip
    if name == 'coco':
        assert json.loads((tmp_path / 'coco.json').read_text())['images'] == []


def test_an_interruption_leaves_no_half_file(tmp_path):
    write(tmp_path, 'json', 'coco', 'csv')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken():
        yield FOUND[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(write_results(broken(), tmp_path, ['json', 'coco', 'csv']))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_unknown_format_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"Formats are json, coco, .*seg, got 'xml'"):
        list(write_results([], tmp_path, ['xml']))
