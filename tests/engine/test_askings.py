"""A model that knows some words, asked in others."""

import math

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from mmdet_medglip.engine.askings import ASKINGS, Asking, test_askings
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.registry import MODELS
from mmdet_medglip.structures import Instance, Record

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


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'store'
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
    return root


def _config(store, tmp_path, **hold_out) -> Config:
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
            work_dir=str(tmp_path),
            model=dict(type='Oracle'),
            train_dataloader=dict(dataset=dataset | dict(split='train', hold_out=hold_out)),
            test_dataloader=loader,
            test_cfg=dict(type='TestLoop'),
            test_evaluator=[dict(type='MedCocoMetric')],
            experiment_name=f'askings-{tmp_path.name}',
        )
    )


def _runner(config: Config) -> Runner:
    runner_config = config.copy()
    runner_config.pop('train_dataloader')
    return Runner.from_cfg(runner_config)


def test_what_the_words_do(store, tmp_path):
    config = _config(store, tmp_path, labels=['spleen'])
    names = ['name', 'synonym', 'description', 'class', 'shuffled']
    found = {a.asking: a for a in test_askings(_runner(config), config, names)}
    by_name = found['name']
    assert (by_name.seen.labels, by_name.seen.ap50) == (3, pytest.approx(1))
    assert (by_name.seen.low, by_name.seen.high) == (pytest.approx(1), pytest.approx(1))
    assert (by_name.unseen.labels, by_name.unseen.ap50) == (1, pytest.approx(1))
    assert found['description'].seen.ap50 == 0
    assert found['shuffled'].seen.ap50 == found['shuffled'].unseen.ap50 == 0
    # One of two kidneys: precision 1 up to recall 0.5, which is 51 of 101 points.
    assert found['class'].seen.labels == 2
    assert found['class'].seen.ap50 == pytest.approx(51 / 101 / 2)
    assert found['class'].unseen.labels == 1
    assert found['class'].unseen.ap50 == 0


def test_labels_that_cannot_be_said_so_do_not_count(store, tmp_path):
    config = _config(store, tmp_path)
    (found,) = test_askings(_runner(config), config, ['abbreviation'])
    assert set(found.unsaid) | {'kidney_left', 'kidney_right'} == set(BOXES)
    assert found.seen.labels + len(found.unsaid) == len(BOXES)
    assert found.unseen.labels == 0
    assert math.isnan(found.unseen.ap50)


def test_the_config_is_left_as_it_is(store, tmp_path):
    loader = _config(store, tmp_path).test_dataloader
    for name in ASKINGS:
        before = str(loader)
        assert name == 'name' or str(Asking(name).of_loader(loader)) != before
        assert str(loader) == before


def test_unknown_asking_and_pipeline_without_prompt():
    with pytest.raises(ValueError, match='asking must be one of name, synonym'):
        Asking('nickname')
    with pytest.raises(ValueError, match='no SamplePrompt'):
        Asking('synonym').of_loader(dict(dataset=dict(pipeline=[dict(type='LoadMedImage')])))
