"""What is known of a run: which stage is finished, and of what it was made."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from mmdet_medglip.store.durable import replace_file

__all__ = ['Budget', 'RunState', 'Stage', 'lock_run', 'read_state', 'write_state']

_STATE_FILE = 'state.json'
_LOCK_FILE = 'lock'


class Budget(msgspec.Struct, frozen=True):
    """What a training cost.

    Attributes:
        epochs: Passes over the data.
        iterations: Steps of the optimizer.
        images: Images that went through the network, with repetitions.
    """

    epochs: int
    iterations: int
    images: int


class Stage(msgspec.Struct, frozen=True):
    """One command of a run.

    Attributes:
        parts: Digest of each thing that its result depends on, by name.
        status: Whether it has ended well.
        started: When the command was last started, in seconds since 1970.
        seconds: Time it took; of a training, with all parts of it that were kept.
        peak_memory: Largest resident memory of its command, in bytes.
        peak_gpu_memory: Largest memory on an accelerator, in bytes; 0 without one.
        device: What it ran on.
        budget: Of a training.
        images_per_second: Of a test, with loading.
    """

    parts: dict[str, str]
    status: Literal['started', 'done'] = 'started'
    started: float = 0.0
    seconds: float = 0.0
    peak_memory: int = 0
    peak_gpu_memory: int = 0
    device: str = ''
    budget: Budget | None = None
    images_per_second: float | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        return self.status == 'done'

    def changed(self, parts: dict[str, str]) -> list[str]:
        """Return the names of what is different now, in their order."""
        names = dict.fromkeys([*self.parts, *parts])
        return [name for name in names if self.parts.get(name) != parts.get(name)]


class RunState(msgspec.Struct, frozen=True):
    """Stages of one entry and seed; None for one that was never started."""

    train: Stage | None = None
    test: Stage | None = None


def read_state(folder: Path) -> RunState:
    """Read the state of a run; an empty one where there is none.

    Raises:
        ValueError: If the file is damaged.
    """
    path = folder / _STATE_FILE
    if not path.is_file():
        return RunState()
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunState)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); remove it to run again.') from error


def write_state(folder: Path, state: RunState) -> None:
    """Replace the state of a run, as a whole.

    Raises:
        OSError: If it cannot be written.
    """
    replace_file(folder / _STATE_FILE, msgspec.json.format(msgspec.json.encode(state), indent=2))


@contextmanager
def lock_run(folder: Path) -> Iterator[int]:
    """Hold the folder of a run, so that no two programs train in it.

    The lock belongs to the open file: a command that inherits the descriptor holds it on when this
    process is killed, for as long as it runs.

    Args:
        folder: Of the run; made if it is not there.

    Yields:
        Descriptor to hand to commands.

    Raises:
        BlockingIOError: If somebody holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f'{folder} is in use: a command of an earlier call still runs in it. Wait until it '
                'ends, or end it; `fuser` tells its process.'
            ) from None
        yield file.fileno()
