"""Fixtures shared by all tests; nothing heavy is imported here."""

import os
from pathlib import Path

import pytest

if 'PYTEST_XDIST_WORKER' in os.environ:
    # One file to a core: more threads would wait for each other. Before torch is imported.
    os.environ.setdefault('OMP_NUM_THREADS', '1')

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def repo_root() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope='session')
def real_data_root() -> Path:
    """Folder of the real images: $MEDGLIP_REAL_DATA, or shared/data beside the checkout."""
    named = os.environ.get('MEDGLIP_REAL_DATA')
    root = Path(named) if named else REPOSITORY.parent / 'shared' / 'data'
    if not root.is_dir():
        pytest.skip(f'no real images at {root}; name their folder in MEDGLIP_REAL_DATA')
    return root
