"""A store of seven modalities with masks, a few tiny images each."""

from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record

SIDE = 64
SPLITS = ('train', 'train', 'train', 'train', 'val', 'val', 'test', 'test')


def _instance(label: str, box: tuple[int, int, int, int], with_mask: bool) -> Instance:
    if not with_mask:
        return Instance(box, label)
    x1, y1, x2, y2 = box
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[y1:y2, x1:x2] = 1
    rle = coco_mask.encode(np.asfortranarray(mask))
    return Instance(box, label, mask={'size': rle['size'], 'counts': rle['counts'].decode()})


@pytest.fixture(scope='session')
def seven_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of 4 training, 2 validation and 2 test images of each modality, two labels each.

    X-ray regions have no mask, as those of box annotations.
    """
    root = tmp_path_factory.mktemp('seven') / 'store'
    rng = np.random.default_rng(0)
    ontology = Ontology.default()
    with StoreWriter(root, name='seven') as writer:
        for modality in ontology.modalities:
            labels = ontology.labels_of(modality)[:2]
            for number, split in enumerate(SPLITS):
                image = rng.integers(0, 100, (SIDE, SIDE, 3), dtype=np.uint8)
                boxes = [(4, 8, 28, 40), (34, 20 + number, 60, 60)]
                for (x1, y1, x2, y2), value in zip(boxes, (160, 240), strict=True):
                    image[y1:y2, x1:x2] = value
                record = Record(
                    image_id=f'{modality}_{number}',
                    height=SIDE,
                    width=SIDE,
                    modality=modality,
                    source=f'set_{modality}',
                    patient_id=f'{modality}-{number}',
                    split=split,
                    instances=tuple(
                        _instance(label, box, modality != 'xray')
                        for label, box in zip(labels, boxes, strict=True)
                    ),
                )
                writer.add(record, image)
    return root
