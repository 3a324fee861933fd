"""The long suite (``-m slow``): ten thousand cases, or ``$MEDGLIP_HOSTILE_CASES``."""

import os

import pytest

from tests.hostile.bounded import run_bounded
from tests.hostile.families import FAMILIES, targets_of
from tests.hostile.target import Target

CASES = int(os.environ.get('MEDGLIP_HOSTILE_CASES', '10000'))

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore')]


@pytest.mark.parametrize('family', FAMILIES)
def test_ten_thousand_cases(family: str) -> None:
    targets: tuple[Target, ...] = targets_of(family)
    if not targets:
        pytest.skip('no real files; name their folder in MEDGLIP_REAL_DATA')
    every = sum(len(targets_of(one)) for one in FAMILIES)
    failures = []
    for target in targets:
        failures += run_bounded(target, range(-(-CASES // every))).failures
    assert not failures, '\n'.join(map(str, failures[:50]))
