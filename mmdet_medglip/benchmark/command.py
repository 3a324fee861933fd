"""Run programs of tools/, with their output in files and their costs measured."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

__all__ = ['CommandError', 'ToolRunner', 'Usage']

_TAIL_LINES, _TAIL_BYTES = 12, 20_000


class CommandError(RuntimeError):
    """A command that failed; the message has its last lines."""


class Usage(NamedTuple):
    """What a command took.

    Attributes:
        seconds: From start to end.
        peak_memory: Largest resident memory of its main process, in bytes, as seen twice a second.
    """

    seconds: float
    peak_memory: int


class ToolRunner:
    """Runs Python programs of a folder, from several threads if need be.

    Each command is a process group of its own, so that :meth:`end` reaches its children, too.

    Args:
        tools: The folder.
    """

    def __init__(self, tools: Path) -> None:
        self.tools = tools
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(
        self, program: str, arguments: Sequence[str], log: Path, *, keep_open: Sequence[int] = ()
    ) -> Usage:
        """Run a program to its end.

        Args:
            program: Its file name.
            arguments: Of its command line.
            log: Its output is appended here, after a line with the command.
            keep_open: Descriptors that it inherits.

        Returns:
            Its costs.

        Raises:
            CommandError: If it ends with another status than 0, or :meth:`end` was called.
        """
        command = [sys.executable, str(self.tools / program), *arguments]
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with log.open('ab') as output:
            output.write(f'$ {shlex.join(command)}\n'.encode())
            output.flush()
            process = self._start(command, output, keep_open)
        peak, pause = 0, 0.01
        try:
            while process.poll() is None:
                peak = max(peak, _peak_memory(process.pid))
                time.sleep(pause)
                pause = min(2 * pause, 0.5)
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise CommandError(
                f'`python {program}` ended with status {process.returncode}; its log is {log}:\n'
                f'{_tail(log)}'
            )
        return Usage(time.monotonic() - started, peak)

    def end(self) -> None:
        """End all commands that run, and start no more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)

    def _start(
        self, command: Sequence[str], output: IO[bytes], keep_open: Sequence[int]
    ) -> subprocess.Popen:
        with self._lock:
            if self._ended:
                raise CommandError('the benchmark was ended')
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(keep_open),
                start_new_session=True,
            )
            self._running.add(process)
        return process


def _peak_memory(pid: int) -> int:
    """Largest resident memory of a process so far; 0 where it cannot be seen.

    What ``wait4`` tells would be at least the memory of the process that started it.
    """
    with contextlib.suppress(OSError):
        for line in Path(f'/proc/{pid}/status').read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024
    return 0


def _tail(log: Path) -> str:
    with log.open('rb') as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        text = file.read().decode(errors='replace')
    return '\n'.join(f'  {line[:300]}' for line in text.splitlines()[-_TAIL_LINES:])
