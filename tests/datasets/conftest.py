"""A small store of three modalities, with masks, phrases and negatives."""

import logging
from pathlib import Path

import numpy as np
import pytest
from mmengine.logging import MMLogger
from pycocotools import mask as coco_mask

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Instance, Record

HEIGHT, WIDTH = 24, 32
LIVER = (4, 6, 20, 18)
KIDNEY = (22, 8, 28, 16)
CAPTION = 'A polyp near the fold, and a second polyp.'


def box_mask(box: tuple[int, int, int, int]) -> dict:
    """RLE of a filled box in an image of the small store."""
    x1, y1, x2, y2 = box
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[y1:y2, x1:x2] = 1
    rle = coco_mask.encode(np.asfortranarray(mask))
    return {'size': rle['size'], 'counts': rle['counts'].decode()}


def _record(name: str, modality: str, source: str, split: str, **fields: object) -> Record:
    return Record(
        image_id=name,
        height=HEIGHT,
        width=WIDTH,
        modality=modality,
        source=source,
        patient_id=f'patient-{name}',
        split=split,
        **fields,
    )


def _ct(name: str, split: str, boxes: dict[str, tuple[int, int, int, int]]) -> Record:
    return _record(
        name,
        'ct',
        'abdomen',
        split,
        rescale_intercept=-1024.0,
        rescale_type='HU',
        spacing_mm=(0.8, 0.8),
        instances=tuple(Instance(box, label, mask=box_mask(box)) for label, box in boxes.items()),
    )


@pytest.fixture(scope='session')
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of 6 CT (4 train, 1 val, 1 negative), 2 endoscopy (1 VG) and 2 X-ray records."""
    root = tmp_path_factory.mktemp('data') / 'store'
    rng = np.random.default_rng(0)
    grey = lambda: rng.integers(0, 3000, (HEIGHT, WIDTH), dtype=np.uint16)  # noqa: E731
    colour = lambda: rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)  # noqa: E731
    with StoreWriter(root, name='small') as writer:
        for i in range(4):
            writer.add(_ct(f'ct-{i}', 'train', {'liver': LIVER, 'kidney_left': KIDNEY}), grey())
        writer.add(_ct('ct-negative', 'train', {}), grey())
        writer.add(_ct('ct-val', 'val', {'liver': LIVER}), grey())
        stone = _record(
            'ct-stone', 'ct', 'stones', 'train', instances=(Instance(KIDNEY, 'kidney_stone'),)
        )
        writer.add(stone, grey())
        polyp = (Instance(LIVER, 'polyp'),)
        writer.add(_record('scope-0', 'endoscopy', 'gut', 'train', instances=polyp), colour())
        named = (
            Instance(LIVER, 'polyp', tokens_positive=((2, 7),)),
            Instance(KIDNEY, 'polyp', tokens_positive=((29, 41),)),
            Instance((1, 1, 3, 3), 'polyp', tokens_positive=((29, 41),)),
        )
        writer.add(
            _record('scope-vg', 'endoscopy', 'gut', 'train', caption=CAPTION, instances=named),
            colour(),
        )
    return root


@pytest.fixture
def log():
    """Lines of the current logger."""
    lines: list[tuple[int, str]] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append((record.levelno, record.getMessage()))
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.INFO)  # Whatever the test before made of it.
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)
