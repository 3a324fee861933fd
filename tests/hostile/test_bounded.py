"""The harness itself: what ends a process, waits, or takes memory is found and told."""

import ctypes
import time
from pathlib import Path

import pytest

from tests.hostile.bounded import run_bounded
from tests.hostile.target import BrokenPromiseError, Target, check_refusal


def _take(content: bytes, folder: Path) -> None:
    """Do what the content says."""
    (folder / 'file').write_bytes(content)
    if content == b'refuse':
        raise ValueError(f'{folder / "file"} is bad.')
    if content == b'crash':
        ctypes.string_at(0)
    if content == b'loop':
        while True:
            pass
    if content == b'memory':
        bytearray(1 << 30)
    if content == b'wrapped':
        try:
            bytearray(1 << 30)
        except MemoryError as error:
            raise ValueError('file is bad') from error
    if content == b'nameless':
        raise ValueError('something is bad')
    if content == b'other':
        raise KeyError('x')
    if content == b'lost':
        raise BrokenPromiseError('a region is lost')


def _target(*seeds: bytes) -> Target:
    return Target('t', seeds, (), _take, ('file',), megabytes=300, seconds=1)


def test_all_that_can_go_wrong_is_told_and_the_rest_is_run() -> None:
    seeds = (
        *(b'ok', b'crash', b'refuse', b'loop', b'memory', b'wrapped', b'nameless', b'other'),
        *(b'lost', b'ok'),
    )
    tally = run_bounded(_target(*seeds), range(len(seeds)))
    assert (tally.taken, tally.refused, tally.cases) == (2, 1, 10)
    told = [(failure.case, failure.kind) for failure in tally.failures]
    broken = 'broken promise'
    assert told == [(1, 'crash'), (3, 'hang'), *((case, broken) for case in range(4, 9))]
    details = [failure.detail for failure in tally.failures]
    for detail, word in zip(
        details,
        ('Segmentation', 'CPU', 'MemoryError', 'little memory', 'names none', 'KeyError', 'lost'),
        strict=True,
    ):
        assert word in detail


def test_a_case_that_waits_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('tests.hostile.bounded._HANGING', 0.5)
    target = Target(
        't', (b'a', b'b'), (), lambda content, folder: time.sleep(3 * (content == b'a'))
    )
    tally = run_bounded(target, range(2))
    assert [(f.case, f.kind) for f in tally.failures] == [(0, 'hang')]
    assert tally.taken == 1


def test_content_is_the_same_every_time() -> None:
    target = Target('t', (b'seed',), (lambda data, rng: data + rng.randbytes(4),), _take)
    assert [target.content(n) for n in range(5)] == [target.content(n) for n in range(5)]
    assert len({target.content(n) for n in range(20)}) == 20


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('', '0 characters', id='empty'),
        pytest.param('x' * 5000, '5000 characters', id='long'),
        pytest.param('a \ud800', 'cannot be printed', id='no-text'),
    ],
)
def test_messages_that_must_not_be(text: str, message: str) -> None:
    with pytest.raises(BrokenPromiseError, match=message):
        check_refusal(ValueError(text), ())
