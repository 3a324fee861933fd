"""Small data sets for the tests of ingest."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.structures import Instance, Record


@pytest.fixture
def save() -> Callable[..., Path]:
    """Write an array as an image file, folders included."""

    def _save(path: Path, array: np.ndarray) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
        return path

    return _save


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """Make a record of 6 x 8 pixels with one box."""

    def make(image_id: str = 'demo/a', **changes) -> Record:
        fields = {
            'image_id': image_id,
            'height': 6,
            'width': 8,
            'modality': 'ct',
            'source': 'demo',
            'patient_id': f'patient of {image_id}',
            'instances': (Instance(bbox=(1, 2, 4, 5), label='liver'),),
        }
        return Record(**(fields | changes))

    return make
