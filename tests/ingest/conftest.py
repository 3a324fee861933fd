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


@pytest.fixture
def polyp_source(tmp_path: Path, save: Callable) -> Callable[..., dict]:
    """Write images with blobs and masks, and return the recipe that reads them."""

    def make(name: str = 'polyps', count: int = 40, seed: int = 0, **changes) -> dict:
        root = tmp_path / 'raw' / name
        rng = np.random.default_rng(seed)
        for number in range(count):
            image = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            mask = np.zeros((24, 32), dtype=np.uint8)
            if number % 4:
                top, left = rng.integers(1, 12, 2)
                mask[top : top + 8, left : left + 9] = 255
            save(root / 'images' / f'p{number // 2:03d}_{number:04d}.png', image)
            save(root / 'masks' / f'p{number // 2:03d}_{number:04d}.png', mask)
        recipe = {
            'name': name,
            'title': 'Polyps made for tests',
            'url': 'https://example.org/polyps',
            'licence': 'CC0-1.0',
            'root': name,
            'reader': 'MaskImageReader',
            'modality': 'endoscopy',
            'images': 'images/{stem}.png',
            'masks': [{'path': 'masks/{stem}.png', 'label': 'polyp', 'threshold': 127}],
            'patient_id': r'^(p\d+)_',
        }
        return recipe | changes

    return make
