"""Options that the tests of readers share."""

from typing import Any

import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ontology import Ontology


@pytest.fixture
def common() -> dict[str, Any]:
    """Options every reader needs."""
    labels = LabelMap({}, Ontology.default(), modality='endoscopy')
    return {'modality': 'endoscopy', 'source': 'demo', 'label_map': labels}
