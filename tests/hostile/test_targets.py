"""Every parser is given hostile input; see docs/hostile_input.md."""

import pytest

from tests.hostile.bounded import run_bounded
from tests.hostile.families import FAMILIES, targets_of
from tests.hostile.target import Target

CASES = 5
"""Damaged cases of each target in the default suite, besides its seeds."""
TARGETS = [target for family in FAMILIES[:3] for target in targets_of(family)]

pytestmark = pytest.mark.filterwarnings('ignore')


@pytest.mark.parametrize('target', TARGETS, ids=lambda target: target.name)
def test_damaged_input_is_taken_or_refused(target: Target) -> None:
    sound = len(target.seeds)
    tally = run_bounded(target, range(sound))
    # Else nothing behind the first check would be tried.
    assert (tally.taken, tally.failures) == (sound, [])
    tally = run_bounded(target, range(sound, sound + CASES))
    assert not tally.failures, '\n'.join(map(str, tally.failures))
    assert tally.cases == CASES


def test_there_are_hundreds_of_cases() -> None:
    assert sum(len(target.seeds) + CASES for target in TARGETS) >= 300
    assert len({target.name for target in TARGETS}) == len(TARGETS)
