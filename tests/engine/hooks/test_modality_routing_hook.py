"""The classifier gets its bounds before the checkpoint, and the pipelines get the classifier."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmdet_medglip.engine import ModalityRoutingHook
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.models.classifiers import ModalityClassifier
from mmdet_medglip.registry import MODELS
from mmdet_medglip.structures import Record

MODALITIES = ('ct', 'fundus')


@pytest.fixture(scope='module')
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey discs as CT, red ramps as fundus; 8 of each in training, 4 in validation and test."""
    root = tmp_path_factory.mktemp('routing') / 'store'
    rng = np.random.default_rng(0)
    with StoreWriter(root, name='routing') as writer:
        for modality in MODALITIES:
            for index in range(16):
                split = 'train' if index < 8 else ('val' if index < 12 else 'test')
                name = f'{modality}_{index}'
                record = Record(name, 32, 32, modality, 'made', name, split=split)
                writer.add(record, _picture(modality, rng))
    return root


def _picture(modality: str, rng: np.random.Generator) -> np.ndarray:
    if modality == 'ct':
        image = np.zeros((32, 32), np.uint8)
        cv2.circle(image, tuple(rng.integers(12, 20, 2).tolist()), 9, 200, -1)
        return image
    ramp = np.linspace(0, 255, 32)[None].repeat(32, 0) * rng.uniform(0.7, 1)
    return np.stack([ramp, ramp * 0.3, ramp * 0.1], -1).astype(np.uint8)


def loader(store: Path, split: str, *transforms: str, **changes: object) -> dict:
    pipeline = [dict(type=name) for name in (*transforms, 'PackGroundingInputs')]
    return dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=split == 'train'),
        dataset=dict(
            type='MedGroundingDataset',
            data_root=str(store),
            split=split,
            pipeline=pipeline,
            test_mode=split != 'train',
            **changes,
        ),
        collate_fn=dict(type='pseudo_collate'),
    )


def small_model() -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='ModalityRecognizer',
            modality_classifier=dict(
                type='ModalityClassifier',
                modalities=MODALITIES,
                known_per_step=8,
                foreign_per_step=8,
            ),
        )
    )


@pytest.fixture
def trained(make_runner, store):
    """A runner that has trained for one epoch."""
    runner = make_runner(
        max_epochs=1,
        model=small_model(),
        train_dataloader=loader(store, 'train', 'LoadMedImage', 'ModalityThumbnail'),
        val_dataloader=loader(store, 'val', 'LoadMedImage', 'ModalityThumbnail'),
        val_cfg=dict(),
        val_evaluator=dict(type='ModalityMetric'),
        param_scheduler=None,
        custom_hooks=[dict(type='ModalityRoutingHook')],
    )
    runner.train()
    return runner


def test_the_checkpoint_holds_calibrated_bounds(trained):
    assert trained.model.modality_classifier.is_calibrated
    weights = torch.load(Path(trained.work_dir) / 'epoch_1.pth', weights_only=False)['state_dict']
    saved = ModalityClassifier.from_state_dict(weights, 'modality_classifier.')
    assert saved.is_calibrated
    assert saved.modalities == MODALITIES
    assert torch.equal(saved.max_distance, trained.model.modality_classifier.max_distance)


def test_the_pipeline_routes_by_the_models_own_classifier(trained, make_runner, store):
    test = loader(store, 'test', 'LoadMedImage', 'RouteModality', modalities='auto')
    runner = make_runner(
        model=trained.model,
        test_dataloader=test,
        test_cfg=dict(),
        test_evaluator=dict(type='ModalityMetric'),
        train_dataloader=None,
        train_cfg=None,
        optim_wrapper=None,
        param_scheduler=None,
        custom_hooks=[dict(type='ModalityRoutingHook')],
    )
    hook = next(h for h in runner.hooks if isinstance(h, ModalityRoutingHook))
    dataset = runner.test_dataloader.dataset
    with pytest.raises(ValueError, match='RouteModality has no classifier'):
        dataset[0]
    hook.before_test(runner)
    samples = [dataset[index]['data_samples'] for index in range(len(dataset))]
    assert {s.true_modality for s in samples} == set(MODALITIES)
    assert {s.routing['by'] for s in samples} <= {'image', 'abstained'}
    assert all(s.routing['likeliest'] in MODALITIES for s in samples)


def test_without_validation_data_it_says_what_is_missing(make_runner, store):
    runner = make_runner(
        max_epochs=1,
        model=small_model(),
        train_dataloader=loader(store, 'train', 'LoadMedImage', 'ModalityThumbnail'),
        param_scheduler=None,
        custom_hooks=[dict(type='ModalityRoutingHook')],
    )
    with pytest.raises(ValueError, match='needs val_dataloader'):
        runner.train()


def test_a_model_without_classifier_is_left_alone(make_runner):
    make_runner(max_epochs=1, custom_hooks=[dict(type='ModalityRoutingHook')]).train()


@pytest.mark.parametrize('arguments', [dict(keep=0.0), dict(keep=1.5), dict(images=0)], ids=str)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=r'keep must be in \(0, 1\] and images >= 1'):
        ModalityRoutingHook(**arguments)
