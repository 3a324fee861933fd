"""A parser as a target of hostile input: what it is given, and what it must keep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

__all__ = ['BrokenPromiseError', 'Mutator', 'Target', 'check_refusal', 'run_case']

Mutator = Callable[[bytes, Random], bytes]
"""Make hostile content of sound content."""

_REFUSALS = (ValueError, OSError)
_LONGEST = 2000


class BrokenPromiseError(AssertionError):
    """A parser lost something, gave a wrong value, or failed in a way it must not."""


@dataclass(frozen=True)
class Target:
    """One parser.

    Args:
        name: Name of the target, unique.
        seeds: Sound contents, none of which is refused.
        mutators: Ways to damage a seed, of which each case takes one.
        check: Parses content in an empty folder, and checks what must hold of the result. It
            raises ``ValueError`` or ``OSError`` where the parser refuses the content, and
            ``BrokenPromiseError`` where something that was promised does not hold.
        named: What the message of a refusal must name, any of them; empty for a text that has no
            file.
        megabytes: Memory that a case may take beyond what the process had.
        seconds: CPU time that a case may take.
    """

    name: str
    seeds: Sequence[bytes]
    mutators: Sequence[Mutator]
    check: Callable[[bytes, Path], None]
    named: tuple[str, ...] = ()
    megabytes: int = 1500
    seconds: int = 20

    def content(self, number: int) -> bytes:
        """Return the content of a case: the seeds themselves, then damaged ones; repeatable."""
        if number < len(self.seeds):
            return self.seeds[number]
        rng = Random(f'{self.name}:{number}')
        data = rng.choice(self.seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            data = rng.choice(self.mutators)(data, rng)
        return data


def run_case(target: Target, content: bytes, folder: Path) -> bool:
    """Give content to a parser.

    Args:
        target: The parser.
        content: What it reads.
        folder: Empty folder to work in.

    Returns:
        Whether it was taken; False if it was refused as it must be.

    Raises:
        BrokenPromiseError: Something else happened.
    """
    try:
        target.check(content, folder)
    except _REFUSALS as error:
        check_refusal(error, target.named)
        return False
    except (BrokenPromiseError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise BrokenPromiseError(f'{type(error).__name__}: {error!s:.300}') from error
    return True


def check_refusal(error: BaseException, named: Sequence[str]) -> None:
    """Check that a refusal is short, printable, names its place, and hides no want of memory.

    Raises:
        BrokenPromiseError: It is not.
    """
    text = str(error)
    kind = type(error).__name__
    if named and not any(name in text for name in named):
        raise BrokenPromiseError(f'{kind} names none of {named}: {text:.300}') from error
    if not text or len(text) > _LONGEST:
        raise BrokenPromiseError(f'{kind} has {len(text)} characters: {text:.300}') from error
    try:
        text.encode('utf-8')
    except UnicodeEncodeError:
        raise BrokenPromiseError(f'{kind} cannot be printed: {text!r:.300}') from error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            raise BrokenPromiseError(f'{kind} came of too little memory: {text:.300}') from error
        cause = cause.__cause__ or cause.__context__
