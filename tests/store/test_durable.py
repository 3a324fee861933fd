"""Files are replaced as a whole."""

import hashlib
import os
from pathlib import Path

import pytest

from mmdet_medglip.store.durable import file_sha256, replace_file, replacing_file, sync


def test_replace_file(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    for content in (b'old', b'new'):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_old_content_stays_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError('disk is full')

    path = tmp_path / 'a.json'
    replace_file(path, b'old')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='disk is full'):
        replace_file(path, b'new')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_sync_of_nothing(tmp_path: Path) -> None:
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / 'none')


def test_file_sha256(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / 'a').write_bytes(content)
    assert file_sha256(tmp_path / 'a') == hashlib.sha256(content).hexdigest()


def test_replacing_file_takes_its_name_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    with replacing_file(path) as file:
        file.write('é\n')
        assert not path.exists()
    assert path.read_bytes() == 'é\n'.encode()

    def fail() -> None:
        with replacing_file(path) as file:
            file.write('half')
            raise ValueError('stop')

    with pytest.raises(ValueError, match='stop'):
        fail()
    assert path.read_bytes() == 'é\n'.encode()
    assert list(tmp_path.iterdir()) == [path]
