"""Cases in a process of its own, whose memory and time are bounded by the system."""

import faulthandler
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from .target import Target, run_case

__all__ = ['Failure', 'Tally', 'run_bounded']

_HANGING = 180
"""Longest time of one case by the clock, for what waits without using the processor."""


@dataclass(frozen=True)
class Failure:
    """A case that broke a promise.

    Args:
        target: Name of the target.
        case: Number of the case; ``tools/fuzz.py TARGET --first CASE --cases 1`` runs it again.
        kind: ``crash``, ``hang`` or ``broken promise``.
        detail: What happened.
    """

    target: str
    case: int
    kind: str
    detail: str

    def __str__(self) -> str:
        return f'{self.target} case {self.case}: {self.kind}: {self.detail}'


@dataclass
class Tally:
    """What became of the cases of a target.

    Args:
        taken: Number of cases with a sound result.
        refused: Number of cases that were refused as they must be.
        failures: All others.
    """

    taken: int = 0
    refused: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return self.taken + self.refused + len(self.failures)


def run_bounded(target: Target, cases: Sequence[int]) -> Tally:
    """Run cases one after the other, in a process that a crash or a hang ends alone.

    Args:
        target: The parser.
        cases: Numbers of the cases.

    Returns:
        What became of each; after a crash or a hang another process goes on with the next case.
    """
    tally = Tally()
    context = multiprocessing.get_context('fork')
    left = list(cases)
    while left:
        ours, theirs = context.Pipe(duplex=False)
        with tempfile.TemporaryDirectory(prefix='hostile-') as scratch:
            process = context.Process(target=_work, args=(target, left, theirs, Path(scratch)))
            process.start()
            theirs.close()
            done = _listen(ours, process, target, left, tally)
            process.join()
            ours.close()
        left = left[done:]
    return tally


def _listen(ours: Connection, process, target: Target, cases: list[int], tally: Tally) -> int:
    """Note what the process tells of its cases; return how many are done."""
    for number, case in enumerate(cases):
        try:
            if not ours.poll(_HANGING):
                process.kill()
                tally.failures.append(Failure(target.name, case, 'hang', f'over {_HANGING} s'))
                return number + 1
            told = ours.recv()
        except EOFError:
            process.join()
            code = -(process.exitcode or 0)
            kind = 'hang' if code == signal.SIGXCPU else 'crash'
            detail = signal.strsignal(code) if code > 0 else f'exit status {-code}'
            tally.failures.append(Failure(target.name, case, kind, str(detail)))
            return number + 1
        if isinstance(told, bool):
            tally.taken += told
            tally.refused += not told
        else:
            tally.failures.append(Failure(target.name, case, 'broken promise', told))
    return len(cases)


def _work(target: Target, cases: Sequence[int], theirs: Connection, scratch: Path) -> None:
    """Run cases and tell of each; ends the process."""
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    warnings.simplefilter('ignore')
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    for case in cases:
        folder = scratch / str(case)
        folder.mkdir()
        content = target.content(case)
        _bound(target)
        try:
            told: bool | str = run_case(target, content, folder)
        except AssertionError as error:
            frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
            place = ' < '.join(f'{Path(f.filename).name}:{f.lineno}' for f in reversed(frames[-6:]))
            told = f'{error} [{place}]'
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        shutil.rmtree(folder, ignore_errors=True)
        theirs.send(told)
    os._exit(0)


def _bound(target: Target) -> None:
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    memory = pages * resource.getpagesize() + (target.megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    seconds = int(time.process_time()) + target.seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
