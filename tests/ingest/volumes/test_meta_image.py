"""Compressed MetaImage voxels are checked before ITK takes them."""

import zlib
from pathlib import Path

import pytest

from mmdet_medglip.ingest.volumes.meta_image import check_compressed

_VOXELS = bytes(range(200))
_PACKED = zlib.compress(_VOXELS)
_HEADER = b'NDims = 3\nCompressedData = True\nElementDataFile = '


@pytest.mark.parametrize('separate', [False, True], ids=['one-file', 'two-files'])
def test_whole_voxels_pass(tmp_path: Path, separate: bool) -> None:
    path, other = tmp_path / 'a.mha', tmp_path / 'a.zraw'
    name = b'a.zraw\n' if separate else b'LOCAL\n'
    path.write_bytes(_HEADER + name + (b'' if separate else _PACKED))
    other.write_bytes(_PACKED)
    check_compressed(path, other if separate else path, 200)


@pytest.mark.parametrize(
    ('data', 'size'),
    [
        pytest.param(_PACKED[:-9], 200, id='cut'),
        pytest.param(_VOXELS, 200, id='not-compressed'),
        pytest.param(b'', 200, id='missing'),
        pytest.param(_PACKED, 199, id='too-many'),
        pytest.param(_PACKED, 201, id='too-few'),
        pytest.param(zlib.compress(bytes(5_000_000)), 200, id='bomb'),
    ],
)
def test_other_voxels_are_refused(tmp_path: Path, data: bytes, size: int) -> None:
    path = tmp_path / 'a.mha'
    path.write_bytes(_HEADER + b'LOCAL\n' + data)
    with pytest.raises(ValueError, match=rf'a\.mha is damaged: .*{size} bytes'):
        check_compressed(path, path, size)


def test_plain_voxels_are_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / 'a.mha'
    path.write_bytes(b'CompressedData = False\nElementDataFile = LOCAL\nabc')
    check_compressed(path, path, 200)
