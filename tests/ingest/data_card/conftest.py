"""A store with all that a card tells, and names that try to break its pages."""

from collections.abc import Callable

import numpy as np
import pytest

from mmdet_medglip.ingest import StoreWriter
from mmdet_medglip.ingest.masks import encode_rle
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record

SIDE = 40
EVIL = '<script>alert("x")</script>|`*[a](javascript:1)$\\alpha$'


def make_record(name: str, split: str = 'train', **fields) -> Record:
    """Make a record of 40 x 40 pixels."""
    common = {'modality': 'ct', 'source': 'scans', 'patient_id': f'p-{name}', 'licence': 'CC0'}
    return Record(name, SIDE, SIDE, split=split, **common | fields)


def card_records() -> list[Record]:
    """Ten records of three modalities, with masks, flags, phrases, captions and negatives."""
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[10:20, 8:28] = True
    liver = Instance((8, 10, 28, 20), 'liver', mask=encode_rle(mask))
    stone = Instance((30, 30, 33, 34), 'kidney_stone')
    boxes = tuple(Instance((2 * n, 3, 2 * n + 1.5, 30), 'polyp') for n in range(19))
    hounsfield = {'rescale_intercept': -1024.0, 'rescale_type': 'HU', 'spacing_mm': (0.5, 2.0)}
    return [
        make_record('a', instances=(liver, stone), **hounsfield),
        make_record('b', 'val', instances=(liver,), flags=('near_duplicate_across_splits',)),
        make_record('c', 'test', patient_id='p-a', instances=(stone, stone)),
        make_record('d'),
        make_record('e', modality='endoscopy', source=EVIL, licence=EVIL, instances=boxes),
        make_record('f', 'val', modality='endoscopy', source='scopes', flags=('tiny_box', EVIL)),
        make_record(
            EVIL, modality='xray', source='films', instances=(Instance((1, 1, 9, 9), phrase=EVIL),)
        ),
    ]


StoreMaker = Callable[[list[Record]], GroundingStore]


@pytest.fixture(scope='session')
def make_store(tmp_path_factory: pytest.TempPathFactory) -> StoreMaker:
    """Write records into a new store."""

    def make(records: list[Record]) -> GroundingStore:
        root = tmp_path_factory.mktemp('card') / 'store'
        rng = np.random.default_rng(0)
        with StoreWriter(root, name=EVIL) as writer:
            for record in records:
                high = 2000 if record.modality == 'ct' else 255
                kind = np.uint16 if record.modality == 'ct' else np.uint8
                writer.add(record, rng.integers(0, high, (record.height, record.width), dtype=kind))
        return GroundingStore(root)

    return make
