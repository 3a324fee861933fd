"""Masks in sparse npz files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from mmdet_medglip.ingest.masks import box_of_mask
from mmdet_medglip.ingest.readers import RecipeError, ScipyNpzReader

_OPTIONS = {'images': 'image/{stem}.png', 'arrays': 'label/{stem}.*.npz'}


@pytest.fixture
def root(tmp_path: Path, save: Callable) -> Path:
    """One image with a spleen at rows 1-2, columns 2-4 and no liver."""
    save(tmp_path / 'image' / 'a.png', np.zeros((6, 8, 3), dtype=np.uint8))
    masks = np.zeros((2, 6, 8), dtype=np.int32)
    masks[0, 1:3, 2:5] = 1
    (tmp_path / 'label').mkdir()
    name = tmp_path / 'label' / 'a.(2, 6, 8, 1).npz'
    sparse.save_npz(name, sparse.csr_matrix(masks.reshape(2, -1)))
    return tmp_path


@pytest.fixture
def read(root: Path, common: dict) -> Callable:
    """Read everything; returns the images and the rejects."""

    def _read(**options: Any) -> tuple[list, list]:
        given = {'channels': ['spleen', 'liver']} | _OPTIONS | common | options
        reader = ScipyNpzReader(root, **given)
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


@pytest.mark.parametrize(
    ('flip', 'box'), [(None, (2, 1, 5, 3)), ('vertical', (2, 3, 5, 5))], ids=['as-is', 'flipped']
)
def test_channels(read: Callable, flip: str | None, box: tuple) -> None:
    [image], rejects = read(flip=flip)
    assert [(r.name, r.is_object, box_of_mask(r.mask)) for r in image.regions] == [
        ('spleen', False, box)
    ]
    assert (image.name, image.size, rejects) == ('a', (6, 8), [])


def test_other_shape_is_an_error(read: Callable) -> None:
    with pytest.raises(ValueError, match=r'holds a matrix of \(2, 48\), expected \(1, 48\)'):
        read(channels=['spleen'])


@pytest.mark.parametrize('kind', ['text', 'pickle', 'other-arrays', 'bomb', 'indices'])
def test_other_file_is_an_error(root: Path, read: Callable, kind: str) -> None:
    [path] = (root / 'label').iterdir()
    if kind == 'text':
        path.write_text('no array')
    elif kind == 'pickle':
        np.savez(path, data=np.array([{}]), indices=[0], indptr=[0, 1], shape=[1, 1])
    elif kind == 'bomb':
        np.savez_compressed(path, data=np.zeros(10**6), indices=[0], indptr=[0, 1], shape=[2, 48])
    elif kind == 'indices':
        np.savez(path, data=[1], indices=[99], indptr=[0, 1, 1], shape=[2, 48])
    else:
        np.savez(path, masks=np.zeros(3))
    expected = 'broken sparse matrix' if kind == 'indices' else 'is not a sparse npz file'
    with pytest.raises(ValueError, match=expected):
        read()


def test_two_arrays_of_an_image(root: Path, read: Callable) -> None:
    (root / 'label' / 'a.b.npz').write_bytes(b'')
    with pytest.raises(ValueError, match='belong to one image'):
        read()


def test_missing_array(root: Path, read: Callable) -> None:
    next((root / 'label').iterdir()).unlink()
    found, [reject] = read()
    assert found == []
    assert (reject.file, reject.reason) == ('image/a.png', 'mask file is missing')


def test_no_channel(root: Path, common: dict) -> None:
    with pytest.raises(RecipeError, match="'channels' names no channel"):
        ScipyNpzReader(root, channels=[], **_OPTIONS, **common)


def test_real_slices(real_data_root: Path, common: dict) -> None:
    """Channel 6 is the liver: in BTCV the largest organ, on the patient's right."""
    channels = ['spleen', 'kidney_right', 'kidney_left', 'gallbladder', 'esophagus', 'liver']
    channels += ['stomach', 'aorta', 'inferior_vena_cava', 'portal_vein_and_splenic_vein']
    channels += ['pancreas', 'adrenal_gland_right', 'adrenal_gland_left']
    reader = ScipyNpzReader(
        real_data_root / 'ct' / 'imis_bench_btcv',
        images='image/{stem}.png',
        arrays='label/x___{stem}.*.npz',
        channels=channels,
        flip='vertical',
        **common,
    )
    items = {item.payload['name']: item for item in reader.items()}
    assert len(items) == 89
    [image] = reader.read(items['ABD_029_85'])
    masks = {region.name: region.mask for region in image.regions}
    assert max(masks, key=lambda name: masks[name].sum()) == 'liver'
    assert box_of_mask(masks['liver'])[0] < 256
