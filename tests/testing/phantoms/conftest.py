"""Demo data small enough for tests."""

from pathlib import Path

import pytest

from mmdet_medglip.store import GroundingStore
from mmdet_medglip.testing.phantoms.demo import make_demo_data


@pytest.fixture(scope='session')
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demo data of all modalities with four patients each."""
    out = tmp_path_factory.mktemp('demo') / 'data'
    make_demo_data(out, patients=4)
    return out


@pytest.fixture(scope='session')
def small_store(small_demo: Path) -> GroundingStore:
    return GroundingStore(small_demo / 'store')
