"""YOLO text files."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import RecipeError, YoloReader


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image of 6 x 8 pixels and its text; returns the images and the rejects."""

    def _read(text: str | bytes | None, **options: Any) -> tuple[list, list]:
        save(tmp_path / 'train' / 'images' / 'a.jpg', np.zeros((6, 8), dtype=np.uint8))
        if text is not None:
            (tmp_path / 'train' / 'labels').mkdir(exist_ok=True)
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / 'train' / 'labels' / 'a.txt').write_bytes(data)
        reader = YoloReader(tmp_path, **({'names': ['polyp', 'ulcer']} | common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


def test_box_and_polygon_in_one_file(read: Callable) -> None:
    text = '0 0.5 0.5 0.25 0.5\n\n1 0.125 0.5 0.5 0.5 0.5 1.0 0.125 1.0\n'
    [image], rejects = read(text)
    box, polygon = image.regions
    assert (box.name, box.bbox, box.mask, box.is_object) == ('polyp', (3, 1.5, 5, 4.5), None, True)
    assert (polygon.name, polygon.bbox) == ('ulcer', (1, 3, 4, 6))
    assert decode_rle(polygon.mask).sum() == 9
    assert (image.name, image.folder, image.size) == ('train/a', 'train', (6, 8))
    assert rejects == []


def test_byte_order_mark_is_left_out(read: Callable) -> None:
    [image], _ = read(b'\xef\xbb\xbf0 0.5 0.5 0.25 0.5\r\n')
    assert image.regions[0].bbox == (3, 1.5, 5, 4.5)


def test_numbers_are_passed_on_as_they_are(read: Callable) -> None:
    [image], rejects = read('0 0.9 0.5 0.9 0.5\n0 0.5 0.5 nan 0.5\n0 0.5 0.5 0 0.5')
    outside, nan, empty = (region.bbox for region in image.regions)
    assert outside == pytest.approx((3.6, 1.5, 10.8, 4.5))
    assert math.isnan(nan[0])
    assert empty[0] == empty[2] == 4
    assert rejects == []


@pytest.mark.parametrize(
    'names', ["['polyp', 'ulcer']", '{0: polyp, 1: ulcer}'], ids=['list', 'mapping']
)
def test_names_from_yaml(tmp_path: Path, read: Callable, names: str) -> None:
    (tmp_path / 'data.yaml').write_text(f'names: {names}\n')
    [image], _ = read('1 0.5 0.5 0.5 0.5', names='data.yaml')
    assert image.regions[0].name == 'ulcer'


@pytest.mark.parametrize(
    'content',
    [
        pytest.param('nc: 2', id='no-names'),
        pytest.param('names: [[polyp], [ulcer]]', id='nested'),
        pytest.param('names: {1: polyp}', id='gap'),
        pytest.param('names: !!python/object/apply:os.system [ls]', id='object'),
    ],
)
def test_bad_yaml(tmp_path: Path, read: Callable, content: str) -> None:
    (tmp_path / 'data.yaml').write_text(content)
    with pytest.raises(RecipeError, match=r'data\.yaml'):
        read('', names='data.yaml')


@pytest.mark.parametrize(
    ('text', 'options', 'images', 'reasons'),
    [
        pytest.param('', {}, 1, [], id='empty-file-is-negative'),
        pytest.param(None, {}, 0, ['annotation file is missing'], id='no-file-is-skipped'),
        pytest.param(None, {'unannotated': 'negative'}, 1, [], id='no-file-as-negative'),
    ],
)
def test_no_region(
    read: Callable, text: str | None, options: dict, images: int, reasons: list[str]
) -> None:
    found, rejects = read(text, **options)
    assert [image.regions for image in found] == [()] * images
    assert [reject.reason for reject in rejects] == reasons


@pytest.mark.parametrize(
    ('text', 'detail'),
    [
        pytest.param('2 0.5 0.5 0.5 0.5', 'class 2 is not among the 2 names', id='class'),
        pytest.param('-1 0.5 0.5 0.5 0.5', 'class -1 is not among', id='negative-class'),
        pytest.param('0 0.5 0.5', 'expected 4 numbers', id='two-numbers'),
        pytest.param('0 1 2 3 4 5 6 7', 'expected 4 numbers', id='odd-polygon'),
        pytest.param('0 0.5 0.5 x 0.5', 'could not convert', id='word'),
        pytest.param('0 0 0 9 0 9 9', 'far outside', id='polygon-far-outside'),
    ],
)
def test_bad_line_is_a_reject_and_the_others_stay(read: Callable, text: str, detail: str) -> None:
    [image], [reject] = read(f'0 0.5 0.5 0.5 0.5\n{text}\n')
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('train/labels/a.txt', 'region cannot be read')
    assert reject.detail.startswith('line 2: ')
    assert detail in reject.detail


def test_file_of_another_encoding(read: Callable) -> None:
    with pytest.raises(ValueError, match=r'a\.txt is not UTF-8 at byte 2'):
        read('0 \xe9'.encode('latin-1'))


def test_text_of_no_image_is_a_reject(tmp_path: Path, read: Callable) -> None:
    (tmp_path / 'train' / 'labels').mkdir(parents=True)
    (tmp_path / 'train' / 'labels' / 'b.txt').touch()
    _, [reject] = read('')
    assert (reject.file, reject.reason) == (
        'train/labels/b.txt',
        'annotation file without image',
    )


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        pytest.param({'names': ['blob']}, RecipeError, "'blob'", id='unknown-name'),
        pytest.param({'names': 'x.yaml'}, FileNotFoundError, r'x\.yaml do not exist', id='no-yaml'),
        pytest.param({'names': '../x.yaml'}, ValueError, 'relative', id='yaml-outside'),
        pytest.param({'unannotated': 'keep'}, RecipeError, "'unannotated'", id='choice'),
    ],
)
def test_bad_options(read: Callable, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        read('', **options)


def test_real_teeth(real_data_root: Path, common: dict) -> None:
    from mmdet_medglip.ingest.label_map import LabelMap
    from mmdet_medglip.ontology import Ontology

    names = {str(10 * quarter + tooth): None for quarter in range(1, 5) for tooth in range(1, 9)}
    labels = LabelMap(names, Ontology.default(), modality='xray')
    reader = YoloReader(
        real_data_root / 'xray' / 'ufba425_panoramic_teeth',
        images='test/images/{stem}.jpg',
        annotations='test/labels/{stem}.txt',
        **(common | {'label_map': labels}),
    )
    items = reader.items()
    assert len(items) == 200
    assert sum(len(image.regions) for item in items for image in reader.read(item)) == 5349
