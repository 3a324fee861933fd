"""COCO json."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import CocoReader, RecipeError
from mmdet_medglip.ontology import Ontology

_IMAGE = {'id': 7, 'file_name': 'a.png', 'height': 6, 'width': 8}
_CATEGORIES = [{'id': 0, 'name': 'Polyp'}, {'id': 3, 'name': 'polyp'}]


def _annotation(**changes: Any) -> dict[str, Any]:
    return {'id': 1, 'image_id': 7, 'category_id': 3, 'bbox': [1, 2, 3, 3]} | changes


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image and a json beside it; returns the images and the rejects."""

    def _read(
        annotations: list, images: list | None = None, entry: dict | None = None, **options: Any
    ) -> tuple[list, list]:
        save(tmp_path / 'train' / 'a.png', np.zeros((6, 8), dtype=np.uint8))
        data = {'images': images or [_IMAGE], 'annotations': annotations}
        (tmp_path / 'train' / 'a.json').write_text(json.dumps(data | {'categories': _CATEGORIES}))
        given = {'file': 'train/a.json', 'images': 'train', 'split': 'train'} | (entry or {})
        reader = CocoReader(tmp_path, annotations=[given], **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


def test_box_polygon_and_crowd(tmp_path: Path, read: Callable) -> None:
    square = [[1, 2, 4, 2, 4, 5, 1, 5]]
    run = {'size': [6, 8], 'counts': [9, 2, 37]}
    given = [
        _annotation(segmentation=square),
        _annotation(id=2, category_id=0, bbox=[1, 3, 1, 2], iscrowd=1, segmentation=run),
        _annotation(id=3, bbox=None, segmentation=square),
    ]
    [image], rejects = read(given, entry={'annotator': 'expert'})
    assert rejects == []
    assert (image.image, image.size) == (tmp_path / 'train' / 'a.png', (6, 8))
    assert (image.name, image.folder, image.patient) == ('train/a', 'train', None)
    first, second, third = image.regions
    assert (first.name, first.bbox, first.is_crowd) == ('polyp', (1, 2, 4, 5), False)
    assert (first.annotator, first.is_object) == ('expert', True)
    assert decode_rle(first.mask)[2:5, 1:4].all()
    assert decode_rle(first.mask).sum() == 9
    assert (second.name, second.is_crowd) == ('Polyp', True)
    assert np.argwhere(decode_rle(second.mask)).tolist() == [[3, 1], [4, 1]]
    assert (third.bbox, third.mask) == (None, first.mask)


def test_items_are_plain_and_in_the_order_of_the_file(
    tmp_path: Path, save: Callable, read: Callable, common: dict
) -> None:
    save(tmp_path / 'train' / 'b.png', np.zeros((6, 8), dtype=np.uint8))
    read([_annotation()], [_IMAGE | {'id': 9, 'file_name': 'b.png'}, _IMAGE])
    given = [{'file': 'train/a.json', 'images': 'train'}]
    items = CocoReader(tmp_path, annotations=given, **common).items()
    assert [item.name for item in items] == ['train/b.png', 'train/a.png']
    assert items[0].files == ('train/b.png', 'train/a.json')
    assert json.loads(json.dumps(items[1].payload)) == items[1].payload
    assert CocoReader(tmp_path, annotations=given, **common).items() == items


@pytest.mark.parametrize(
    ('unannotated', 'images', 'reasons'),
    [
        pytest.param('negative', 1, [], id='negative'),
        pytest.param('skip', 0, ['image without annotation'], id='skip'),
    ],
)
def test_image_without_annotation(
    read: Callable, unannotated: str, images: int, reasons: list
) -> None:
    found, rejects = read([], unannotated=unannotated)
    assert [image.regions for image in found] == [()] * images
    assert [reject.reason for reject in rejects] == reasons


@pytest.mark.parametrize(
    ('bbox', 'expected'),
    [
        pytest.param([-0.5, 0, 4, 7], (-0.5, 0, 3.5, 7), id='outside'),
        pytest.param([1, 1, 0, 4], (1, 1, 1, 5), id='empty'),
        pytest.param([1, 1, math.inf, 4], (1, 1, math.inf, 5), id='infinite'),
    ],
)
def test_numbers_are_passed_on_as_they_are(read: Callable, bbox: list, expected: tuple) -> None:
    [image], _ = read([_annotation(bbox=bbox)])
    assert image.regions[0].bbox == expected


def _bomb() -> dict[str, Any]:
    return {'size': [6, 8], 'counts': [10**12]}


@pytest.mark.parametrize(
    ('changes', 'detail'),
    [
        pytest.param({'bbox': [1, 2, 3]}, "'bbox' [x, y, width, height] must be 4", id='three'),
        pytest.param({'bbox': [1, 2, 'x', 3]}, 'must be 4 numbers', id='word'),
        pytest.param({'bbox': None}, 'must be 4 numbers', id='neither-box-nor-mask'),
        pytest.param({'category_id': 9}, 'unknown category_id 9', id='category'),
        pytest.param({'segmentation': [[1, 2, 3, 4]]}, 'at least 6, got 4', id='two-points'),
        pytest.param({'segmentation': [[0, 0, 1, 1, 1e9, 1]]}, 'far outside', id='far-point'),
        pytest.param({'segmentation': [[0, 0] * 100_001]}, 'more than 100000', id='many-points'),
        pytest.param({'segmentation': [[0, 0, 16, 12] * 40_000]}, 'longer than', id='long-outline'),
        pytest.param({'segmentation': _bomb()}, 'do not add up to the 48', id='run-bomb'),
        pytest.param(
            {'segmentation': {'size': [9, 9], 'counts': [81]}}, 'of size [6, 8]', id='run-size'
        ),
        pytest.param(
            {'segmentation': {'size': [6, 8], 'counts': 'oooo'}}, 'is damaged', id='damaged-run'
        ),
        pytest.param(
            {'segmentation': {'size': [6, 8], 'counts': '``1'}}, 'do not add up', id='short-run'
        ),
        pytest.param(
            {'segmentation': {'size': [6, 8], 'counts': None}}, 'list or text', id='no-counts'
        ),
    ],
)
def test_bad_region_is_a_reject_and_the_others_stay(
    read: Callable, changes: dict, detail: str
) -> None:
    [image], [reject] = read([_annotation(id=5, **changes), _annotation()])
    assert len(image.regions) == 1
    assert (reject.file, reject.stage, reject.reason) == (
        'train/a.png',
        'read',
        'region cannot be read',
    )
    assert detail in reject.detail
    assert reject.detail.startswith('annotation 1: ')


@pytest.mark.parametrize(
    ('image', 'reason'),
    [
        pytest.param(_IMAGE | {'file_name': '../../x.png'}, 'path leaves the data set', id='up'),
        pytest.param(_IMAGE | {'file_name': '/etc/passwd'}, 'path leaves', id='absolute'),
        pytest.param({'id': 7}, 'image entry is not valid', id='no-name'),
        pytest.param(7, 'image entry is not valid', id='number'),
        pytest.param(_IMAGE | {'file_name': ['a']}, 'image entry is not valid', id='list-name'),
        pytest.param(_IMAGE | {'id': 8}, 'image is listed twice', id='twice'),
    ],
)
def test_bad_image_entry_is_a_reject(read: Callable, image: Any, reason: str) -> None:
    found, rejects = read([_annotation(image_id=7)], [_IMAGE | {'id': 7}, image])
    assert len(found) == 1
    assert reason in rejects[0].reason


@pytest.mark.parametrize(
    ('image', 'error', 'message'),
    [
        pytest.param(_IMAGE | {'file_name': 'gone.png'}, OSError, 'does not exist', id='missing'),
        pytest.param(
            _IMAGE | {'height': 9}, ValueError, 'height 6, train/a.json says 9', id='height'
        ),
    ],
)
def test_image_that_cannot_be_read(read: Callable, image: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        read([], [image])


def test_annotations_of_unknown_images_are_counted(read: Callable) -> None:
    found, [reject] = read([_annotation(image_id=1), _annotation(image_id=2), _annotation()])
    assert len(found[0].regions) == 1
    assert (reject.reason, reject.count) == ('annotation of an unknown image', 2)
    assert reject.detail == 'image_id 1, 2'


def test_unknown_category_stops_with_a_hint(
    read: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CATEGORIES[0], 'name', 'weird thing')
    with pytest.raises(RecipeError, match=r"'demo'.*'weird thing'.*labels"):
        read([_annotation()])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param(b'{"images": [', 'not valid JSON', id='truncated'),
        pytest.param(b'{"images": []}', "lacks the list 'annotations'", id='no-annotations'),
        pytest.param(b'[' * 100_000, 'nested too deep', id='deep'),
        pytest.param(b'{"images": "\xe9"}', 'not UTF-8 at byte 12', id='latin-1'),
    ],
)
def test_broken_json(tmp_path: Path, common: dict, content: bytes, message: str) -> None:
    (tmp_path / 'a.json').write_bytes(content)
    with pytest.raises(ValueError, match=rf'a\.json.*{message}'):
        CocoReader(tmp_path, annotations=[{'file': 'a.json'}], **common).items()


def test_byte_order_mark_is_left_out(tmp_path: Path, common: dict) -> None:
    text = json.dumps({'images': [], 'annotations': [], 'categories': []})
    (tmp_path / 'a.json').write_text(text, encoding='utf-8-sig')
    assert CocoReader(tmp_path, annotations=[{'file': 'a.json'}], **common).items() == []


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        pytest.param({'annotations': [{'file': 'none.json'}]}, OSError, 'not exist', id='no-file'),
        pytest.param({'annotations': [{'images': 'x'}]}, RecipeError, "needs 'file'", id='entry'),
        pytest.param({'annotations': [{'file': '../a'}]}, ValueError, 'relative', id='outside'),
        pytest.param({'unannotated': 'keep'}, RecipeError, "'unannotated'", id='choice'),
        pytest.param({'rescale': {'slope': 0}}, RecipeError, "'rescale'", id='rescale'),
    ],
)
def test_bad_options(
    tmp_path: Path, common: dict, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        CocoReader(tmp_path, **({'annotations': []} | common | options)).items()


def test_rescale_is_told(read: Callable) -> None:
    [image], _ = read([], rescale={'intercept': -32768, 'type': 'HU'})
    assert (image.rescale_slope, image.rescale_intercept) == (1.0, -32768.0)
    assert image.rescale_type == 'HU'


def test_real_brain_tumours(real_data_root: Path, common: dict) -> None:
    reader = CocoReader(
        real_data_root / 'mri' / 'roboflow_brain_tumor_br35h',
        annotations=[{'file': 'valid/_annotations.subset.coco.json', 'images': 'valid'}],
        **(common | {'label_map': LabelMap({'Tumor': None}, Ontology.default(), modality='mri')}),
    )
    items = reader.items()
    assert len(items) == 127
    [image] = reader.read(items[0])
    assert {region.name for region in image.regions} == {'Tumor'}
    for region in image.regions:
        assert pycocotools.mask.area(region.mask) > 0
    assert reader.take_rejects() == []
