"""VGG Image Annotator."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import box_of_mask, decode_rle
from mmdet_medglip.ingest.readers import RecipeError, ViaReader

_TICKED = {'x': True, 'y': True}
_RECT = {'name': 'rect', 'x': 1, 'y': 2, 'width': 3, 'height': 3}


def _region(shape: Any = _RECT, attributes: Any = None) -> dict[str, Any]:
    named = {'kind': 'polyp'} if attributes is None else attributes
    return {'shape_attributes': shape, 'region_attributes': named}


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image of 6 x 8 pixels and a VIA file; returns the images and the rejects."""

    def _read(
        data: Any, file: str = 'via.json', project: bool = False, **options: Any
    ) -> tuple[list, list]:
        save(tmp_path / 'a.png', np.zeros((6, 8), dtype=np.uint8))
        if not isinstance(data, str):
            images = {'a.png99': {'filename': 'a.png', 'size': 99, 'regions': data}}
            whole = {'_via_settings': {}, '_via_img_metadata': images} if project else images
            data = json.dumps(whole)
        (tmp_path / file).write_text(data)
        reader = ViaReader(tmp_path, annotations=[{'file': file}], **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


@pytest.mark.parametrize('project', [False, True], ids=['export', 'project'])
def test_rectangle(read: Callable, project: bool) -> None:
    [image], rejects = read([_region()], project=project)
    [region] = image.regions
    assert (region.name, region.bbox, region.mask) == ('polyp', (1, 2, 4, 5), None)
    assert (image.name, rejects) == ('a', [])


def test_regions_of_version_1_are_a_mapping(read: Callable) -> None:
    [image], _ = read({'0': _region(), '1': _region()})
    assert len(image.regions) == 2


@pytest.mark.parametrize(
    ('shape', 'box', 'pixels'),
    [
        pytest.param(
            {'name': 'polygon', 'all_points_x': [1, 4, 4, 1], 'all_points_y': [2, 2, 5, 5]},
            (1, 2, 4, 5), 9, id='polygon',
        ),
        pytest.param({'name': 'circle', 'cx': 4, 'cy': 3, 'r': 2}, (2, 1, 6, 5), 12, id='circle'),
        pytest.param(
            {'name': 'ellipse', 'cx': 4, 'cy': 3, 'rx': 3, 'ry': 1}, (1, 2, 7, 4), 10, id='ellipse'
        ),
        pytest.param(
            {'name': 'ellipse', 'cx': 4, 'cy': 3, 'rx': 1, 'ry': 3, 'theta': 1.570796},
            (1, 2, 7, 4), 10, id='turned-ellipse',
        ),
    ],
)  # fmt: skip
def test_shapes(read: Callable, shape: dict, box: tuple, pixels: int) -> None:
    [image], _ = read([_region(shape)])
    [region] = image.regions
    assert region.bbox == pytest.approx(box, abs=0.01)
    assert box_of_mask(decode_rle(region.mask)) == pytest.approx(box, abs=1)
    assert decode_rle(region.mask).sum() == pytest.approx(pixels, abs=2)


@pytest.mark.parametrize(
    ('attributes', 'options'),
    [
        pytest.param({'kind': 'polyp', 'sure': 'no'}, {'attribute': 'kind'}, id='named'),
        pytest.param({'kind': {'polyp': True, 'ulcer': False}}, {}, id='ticked'),
        pytest.param({'sure': 'no'}, {'label': 'polyp'}, id='one-label'),
    ],
)
def test_name_of_a_region(read: Callable, attributes: dict, options: dict) -> None:
    [image], _ = read([_region(attributes=attributes)], **options)
    assert image.regions[0].name == 'polyp'


@pytest.mark.parametrize(
    ('region', 'detail'),
    [
        pytest.param(7, 'expected an object, got 7', id='number'),
        pytest.param(_region(shape='x'), "'shape_attributes' is no object", id='no-shape'),
        pytest.param(_region({'name': 'point', 'cx': 1}), "'point' has no area", id='point'),
        pytest.param(_region({'name': 'rect', 'x': 1}), 'must be 4 numbers', id='rect'),
        pytest.param(_region(attributes={}), '0 region attributes', id='no-attribute'),
        pytest.param(_region(attributes={'a': 'x', 'b': 'y'}), "in 'attribute'", id='two'),
        pytest.param(_region(attributes={'a': _TICKED}), 'names nothing', id='ticks'),
        pytest.param(_region(attributes={'a': ' '}), 'names nothing', id='blank'),
    ],
)  # fmt: skip
def test_bad_region_is_a_reject_and_the_others_stay(
    read: Callable, region: Any, detail: str
) -> None:
    [image], [reject] = read([region, _region()])
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('a.png', 'region cannot be read')
    assert detail in reject.detail


def test_csv_export(read: Callable) -> None:
    header = 'filename,file_size,file_attributes,region_count,region_id,'
    header += 'region_shape_attributes,region_attributes\n'
    shape, kind = (json.dumps(part).replace('"', '""') for part in (_RECT, {'kind': 'polyp'}))
    rows = f'a.png,99,"{{}}",2,0,"{shape}","{kind}"\na.png,99,"{{}}",2,1,"{{","{kind}"\n'
    [image], [reject] = read(header + rows, file='via.csv')
    assert [(r.name, r.bbox) for r in image.regions] == [('polyp', (1, 2, 4, 5))]
    assert "'shape_attributes' is no object but '{'" in reject.detail


def test_csv_image_without_region_is_a_negative(read: Callable) -> None:
    header = '#filename,region_shape_attributes,region_attributes\n'
    [image], rejects = read(header + 'a.png,{},{}\n', file='via.csv')
    assert (image.regions, rejects) == ((), [])


@pytest.mark.parametrize(
    ('data', 'file', 'message'),
    [
        pytest.param('[]', 'via.json', 'expected a JSON object', id='list'),
        pytest.param('a,b\n1,2\n', 'via.csv', 'line 2, lacks one of filename', id='columns'),
    ],
)
def test_file_that_cannot_be_read(read: Callable, data: str, file: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read(data, file=file)


def test_bad_entry_is_a_reject(read: Callable) -> None:
    entries = {'x': {'filename': 'a.png', 'regions': []}, 'y': {}, 'z': 7}
    found, rejects = read(json.dumps(entries))
    assert len(found) == 1
    assert [reject.reason for reject in rejects] == ['image entry is not valid'] * 2


def test_attribute_and_label_exclude_each_other(read: Callable) -> None:
    with pytest.raises(RecipeError, match="'attribute' or 'label', not both"):
        read([], attribute='kind', label='polyp')
