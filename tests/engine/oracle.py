"""A model that knows some words, and images to ask it about."""

from pathlib import Path

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.structures import InstanceData

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.registry import MODELS
from mmdet_medglip.structures import Instance, Record

__all__ = ['BOXES', 'oracle_config', 'write_store']

BOXES = {
    'liver': (4, 6, 20, 18),
    'spleen': (22, 2, 30, 10),
    'kidney_left': (22, 12, 28, 20),
    'kidney_right': (1, 1, 4, 4),
}


@MODELS.register_module()
class Oracle(BaseModel):
    """Answer a phrase with the true boxes of what it knows by this phrase."""

    KNOWN = dict(zip(('liver', 'spleen', 'left kidney', 'right kidney'), BOXES, strict=True)) | {
        'kidney': 'kidney_left'
    }

    def forward(self, inputs, data_samples: list[DetDataSample], mode: str = 'tensor') -> list:
        for sample in data_samples:
            found = [
                (BOXES[self.KNOWN[phrase]], index)
                for index, phrase in enumerate(sample.metainfo['text'])
                if phrase in self.KNOWN
            ]
            sample.pred_instances = InstanceData(
                bboxes=torch.tensor([box for box, _ in found]).reshape(-1, 4).float(),
                scores=torch.ones(len(found)),
                labels=torch.tensor([index for _, index in found], dtype=torch.long),
            )
        return data_samples


def write_store(root: Path) -> None:
    """Three images for training and three for test, of a patient each, with all boxes."""
    with StoreWriter(root, name='askings') as writer:
        for split in ('train', 'test'):
            for i in range(3):
                record = Record(
                    image_id=f'{split}-{i}',
                    height=24,
                    width=32,
                    modality='ct',
                    source='organs',
                    patient_id=f'{split}-{i}',
                    split=split,
                    instances=tuple(Instance(box, label) for label, box in BOXES.items()),
                )
                writer.add(record, np.zeros((24, 32), np.uint16))


def oracle_config(store: Path, work_dir: Path, **hold_out: object) -> Config:
    """A config that tests the oracle; ``hold_out`` is said of its training."""
    dataset = dict(type='MedGroundingDataset', data_root=str(store))
    pipeline = [
        dict(type='LoadMedImage'),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='SamplePrompt', mode='test'),
        dict(type='PackGroundingInputs'),
    ]
    loader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dataset | dict(split='test', pipeline=pipeline, test_mode=True),
    )
    return Config(
        dict(
            default_scope='mmdet_medglip',
            work_dir=str(work_dir),
            model=dict(type='Oracle'),
            train_dataloader=dict(dataset=dataset | dict(split='train', hold_out=hold_out)),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            test_dataloader=loader,
            test_cfg=dict(type='TestLoop'),
            test_evaluator=[dict(type='MedCocoMetric')],
            experiment_name=f'askings-{work_dir.name}',
        )
    )
