"""Images go into the store."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.image_files import store_image
from mmdet_medglip.ingest.images import read_image

_GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def _files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob('*') if p.is_file())


@pytest.mark.parametrize(
    ('image_id', 'source', 'relative'),
    [
        pytest.param('demo/a', 'demo', 'images/ct/demo/a.png', id='plain'),
        pytest.param('a', 'demo', 'images/ct/demo/_/a.png', id='no-source'),
        pytest.param('demo/v1/0003', 'demo', 'images/ct/demo/v1/0003.png', id='slice'),
        pytest.param('demo/_/a', 'demo', 'images/ct/demo/~d2e2adf7177b7a8a/a.png', id='underscore'),
        pytest.param('b', '../x', 'images/ct/x~d6b96a97d147daaa/_/b.png', id='odd-source'),
        pytest.param('../../a', 'demo', 'images/ct/demo/_/a~2ea9d7db53a19174.png', id='odd-id'),
    ],
)
def test_name_of_the_file(
    tmp_path: Path, make_record: Callable, image_id: str, source: str, relative: str
) -> None:
    assert store_image(tmp_path, make_record(image_id, source=source), _GREY) == relative
    assert _files(tmp_path) == [relative]


def test_the_same_image_again_gives_the_same_file(tmp_path: Path, make_record: Callable) -> None:
    record = make_record('demo/a')
    path = tmp_path / store_image(tmp_path, record, _GREY)
    before = path.read_bytes()
    assert tmp_path / store_image(tmp_path, record, _GREY) == path
    assert path.read_bytes() == before


def test_bytes_of_a_file_are_kept(tmp_path: Path, make_record: Callable) -> None:
    Image.fromarray(_GREY).save(tmp_path / 'a.jpg', quality=60)
    relative = store_image(tmp_path / 's', make_record('demo/a'), tmp_path / 'a.jpg')
    assert relative == 'images/ct/demo/a.jpg'
    assert (tmp_path / 's' / relative).read_bytes() == (tmp_path / 'a.jpg').read_bytes()


def test_full_disk_leaves_the_old_file(
    tmp_path: Path, make_record: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError('disk is full')

    relative = store_image(tmp_path, make_record('demo/a'), _GREY)
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='disk is full'):
        store_image(tmp_path, make_record('demo/a'), _GREY + 1)
    assert _files(tmp_path) == [relative]
    np.testing.assert_array_equal(read_image(tmp_path / relative), _GREY)


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        pytest.param(_GREY[:5], '5 rows and 8 columns, the record says 6 and 8', id='size'),
        pytest.param(_GREY.astype(float), r'must be uint8.*float64 \(6, 8\)', id='kind'),
    ],
)
def test_bad_pixels_leave_no_file(
    tmp_path: Path, make_record: Callable, image: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        store_image(tmp_path, make_record('demo/a'), image)
    assert _files(tmp_path) == []
