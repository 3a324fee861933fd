"""A store with everything that an export has to carry."""

from collections.abc import Callable

import numpy as np
import pytest

from mmdet_medglip.ingest import StoreWriter
from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.masks import encode_rle
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record

StoreMaker = Callable[[list[Record]], GroundingStore]
HEIGHT, WIDTH = 24, 32
ODD_BOX = (0.1, 2.7, 31.9, 23.3)
CAPTION = 'A polyp near the fold, and a second polyp.'


def _mask() -> dict:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[6:18, 4:20] = True
    mask[6, 4] = False
    return encode_rle(mask)


def _record(name: str, modality: str = 'ct', split: str = 'train', **fields) -> Record:
    common = {'source': 'demo', 'patient_id': f'p-{name}', 'licence': 'CC BY 4.0'}
    return Record(name, HEIGHT, WIDTH, modality, split=split, **common | fields)


def full_records() -> list[Record]:
    """Records with masks, odd floats, crowds, captions, phrases, and negatives."""
    liver = Instance((4, 6, 20, 18), 'liver', mask=_mask())
    kidney = Instance(ODD_BOX, 'kidney_left', volume_instance_id='v:1', annotator='reader 2')
    crowd = Instance((1, 1, 9, 9), 'kidney_stone', is_crowd=True)
    tiny = Instance((3, 3, 3.5, 9), 'kidney_stone')
    grounded = (
        Instance((2, 2, 7, 7), 'polyp', tokens_positive=((2, 7),)),
        Instance((9, 9, 12, 12), tokens_positive=((29, 41),)),
    )
    hounsfield = {'rescale_intercept': -1024.0, 'rescale_type': 'HU', 'spacing_mm': (0.8, 0.75)}
    return [
        _record('sub/größe 1', instances=(liver, kidney), view='axial', **hounsfield),
        _record('val', split='val', instances=(crowd, tiny, liver)),
        _record('negative', split='test', body_region='abdomen'),
        _record('scope', 'endoscopy', caption=CAPTION, instances=grounded),
        _record('words', 'endoscopy', instances=(Instance((1, 1, 5, 5), phrase='a red spot.'),)),
        _record('report', 'xray', caption='No finding.', instances=(Instance(ODD_BOX, 'heart'),)),
    ]


@pytest.fixture(scope='session')
def make_store(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[list[Record]], GroundingStore]:
    """Write records into a new store."""

    def make(records: list[Record]) -> GroundingStore:
        root = tmp_path_factory.mktemp('export') / 'store'
        with StoreWriter(root, name='small "store"') as writer:
            for number, record in enumerate(records):
                image = np.full((record.height, record.width), number, dtype=np.uint16)
                writer.add(record, image)
        return GroundingStore(root)

    return make


@pytest.fixture(scope='session')
def full_store(make_store: StoreMaker) -> GroundingStore:
    """The store of :func:`full_records`."""
    return make_store(full_records())


@pytest.fixture
def label_map() -> LabelMap:
    """Names of the ontology, as they are."""
    return LabelMap({}, Ontology.default(), modality='ct')
