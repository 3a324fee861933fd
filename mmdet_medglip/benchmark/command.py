"""Run a program of tools/, with its output in a file and its costs measured."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ['CommandError', 'Usage', 'run_tool']

_TAIL_LINES, _TAIL_BYTES = 12, 20_000


class CommandError(RuntimeError):
    """A command that failed; the message has its last lines."""


class Usage(NamedTuple):
    """What a command took.

    Attributes:
        seconds: From start to end.
        peak_memory: Largest resident memory of one of its processes, in bytes.
    """

    seconds: float
    peak_memory: int


def run_tool(
    program: Path,
    arguments: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> Usage:
    """Run a Python program to its end.

    It is ended with its children when this process is interrupted.

    Args:
        program: The file.
        arguments: Of its command line.
        log: Its output is appended here, after a line with the command.
        environment: Variables to be set for it.
        keep_open: Descriptors that it inherits.

    Returns:
        Its costs.

    Raises:
        CommandError: If it ends with another status than 0.
    """
    command = [sys.executable, str(program), *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open('ab') as output:
        output.write(f'$ {shlex.join(command)}\n'.encode())
        output.flush()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            pass_fds=tuple(keep_open),
            start_new_session=True,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _end(process)
            raise
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code:
        raise CommandError(
            f'`python {program.name}` ended with status {code}; its log is {log}:\n{_tail(log)}'
        )
    unit = 1 if sys.platform == 'darwin' else 1024
    return Usage(time.monotonic() - started, usage.ru_maxrss * unit)


def _end(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    process.wait()


def _tail(log: Path) -> str:
    with log.open('rb') as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        text = file.read().decode(errors='replace')
    return '\n'.join(f'  {line[:300]}' for line in text.splitlines()[-_TAIL_LINES:])
