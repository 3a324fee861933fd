"""One ingest at a time, also where the one before removes its lock."""

import fcntl
import subprocess
import sys

import pytest

from mmdet_medglip.ingest import run
from mmdet_medglip.ingest.run import IngestError

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], 'w')
fcntl.flock(file, fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
"""


def test_another_process_is_refused_until_it_is_killed(tmp_path):
    folder = tmp_path / 'store' / run.INGEST_DIR
    folder.mkdir(parents=True)
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, folder / 'lock'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == 'held\n'
    with (
        pytest.raises(IngestError, match=f'Another ingest works on {tmp_path / "store"}; wait'),
        run._locked(tmp_path / 'store'),
    ):
        pass
    holder.kill()
    holder.wait()
    with run._locked(tmp_path / 'store'):
        pass


def test_a_lock_that_was_removed_is_not_held(tmp_path, monkeypatch):
    """Between opening and locking, who held the file removes it; a third may make a new one."""
    path = tmp_path / 'store' / run.INGEST_DIR / 'lock'
    real, calls = fcntl.flock, []

    def flock(file, flags):
        calls.append(file)
        if len(calls) == 1:
            path.unlink()
            path.parent.rmdir()
        real(file, flags)

    monkeypatch.setattr(run.fcntl, 'flock', flock)
    with (
        run._locked(tmp_path / 'store'),
        path.open('w') as other,
        pytest.raises(BlockingIOError),
    ):
        real(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert len(calls) == 2
