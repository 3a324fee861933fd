"""Masks in sparse npz files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

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


@pytest.mark.parametrize(
    ('flip', 'box'), [(None, (2, 1, 5, 3)), ('vertical', (2, 3, 5, 5))], ids=['as-is', 'flipped']
)
def test_channels(root: Path, common: dict, flip: str | None, box: tuple) -> None:
    options = common | {'modality': 'ct', 'channels': ['spleen', 'liver'], 'flip': flip}
    [(record, _)] = ScipyNpzReader(root, **_OPTIONS, **options)
    assert [(i.label, i.bbox) for i in record.instances] == [('spleen', box)]


def test_channel_mapped_to_null_is_dropped(root: Path, common: dict) -> None:
    options = common | {'channels': ['spleen', 'liver'], 'labels': {'spleen': None}}
    [(record, _)] = ScipyNpzReader(root, **_OPTIONS, **options)
    assert record.instances == ()


def test_other_shape_is_skipped(root: Path, common: dict) -> None:
    reader = ScipyNpzReader(root, channels=['spleen'], **_OPTIONS, **common)
    assert list(reader) == []
    assert 'holds a matrix of (2, 48), expected (1, 48)' in reader.skipped[0].detail


@pytest.mark.parametrize('kind', ['text', 'pickle', 'other-arrays', 'bomb'])
def test_other_file_is_skipped(root: Path, common: dict, kind: str) -> None:
    [path] = (root / 'label').iterdir()
    if kind == 'text':
        path.write_text('no array')
    elif kind == 'pickle':
        np.savez(path, data=np.array([{}]), indices=[0], indptr=[0, 1], shape=[1, 1])
    elif kind == 'bomb':
        np.savez_compressed(path, data=np.zeros(10**6), indices=[0], indptr=[0, 1], shape=[2, 48])
    else:
        np.savez(path, masks=np.zeros(3))
    reader = ScipyNpzReader(root, channels=['spleen', 'liver'], **_OPTIONS, **common)
    assert list(reader) == []
    assert 'is not a sparse npz file' in reader.skipped[0].detail


def test_missing_array(root: Path, common: dict) -> None:
    next((root / 'label').iterdir()).unlink()
    reader = ScipyNpzReader(root, channels=['spleen', 'liver'], **_OPTIONS, **common)
    assert list(reader) == []
    assert reader.skipped[0].reason == 'mask file is missing'


def test_no_channel(root: Path, common: dict) -> None:
    with pytest.raises(RecipeError, match="'channels' names no channel"):
        ScipyNpzReader(root, channels=[], **_OPTIONS, **common)
