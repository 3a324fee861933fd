"""One training at a time in a work folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from mmdet_medglip.engine.training_stopped import TrainingStoppedError

__all__ = ['hold_work_dir']

_FILE = '.training'
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


@contextlib.contextmanager
def hold_work_dir(folder: str | Path) -> Iterator[None]:
    """Hold a work folder, so that no other training writes its checkpoints into it.

    The lock belongs to this process alone, not to workers that it forks, and ends with it however
    it ends. On a disk that has no locks nothing is held.

    Args:
        folder: Work folder; made if it is not there.

    Raises:
        TrainingStoppedError: Another process holds it.
    """
    path = Path(folder) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a+') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                file.seek(0)
                other = file.read().strip() or 'unknown'
                raise TrainingStoppedError(
                    f'Another training (process {other}) works in {folder}; wait until it ends, or '
                    'give this one another folder with --work-dir.'
                ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
