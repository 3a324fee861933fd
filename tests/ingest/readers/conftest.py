"""Options that the tests of readers share."""

from typing import Any

import pytest


@pytest.fixture
def common() -> dict[str, Any]:
    """Options every reader needs."""
    return {'modality': 'endoscopy', 'source': 'demo', 'split': {'fixed': 'train'}}
