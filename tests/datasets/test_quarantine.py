"""An image that cannot be read in the middle of an epoch: an error, or written down."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.quarantine import Quarantine, quarantined
from mmdet_medglip.datasets.unreadable_image_error import UnreadableImageError
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Instance, Record
from tests.engine.conftest import make_runner, safe_loader, toy_model
from tests.tools.conftest import load_tool

__all__ = ['load_tool', 'make_runner', 'safe_loader', 'toy_model']

PIPELINE = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow'),
    dict(type='SamplePrompt'),
    dict(type='PackGroundingInputs'),
]


@pytest.fixture
def store(tmp_path):
    """Three CT and three MR images by turns; the second CT image, at place 2, is cut off."""
    root = tmp_path / 'store'
    with StoreWriter(root, name='six') as writer:
        for number in range(6):
            modality = ('ct', 'mri')[number % 2]
            record = Record(
                f'i{number}',
                8,
                8,
                modality,
                'set',
                'p',
                instances=(Instance((1, 1, 5, 5), 'liver'),),
            )
            writer.add(record, np.full((8, 8), number, np.uint8))
    data = MedGroundingDataset(str(root))
    bad = Path(data.get_data_info(2)['img_path'])
    bad.write_bytes(bad.read_bytes()[:40])
    return root, bad


def open_data(store, **options):
    return MedGroundingDataset(str(store[0]), pipeline=PIPELINE, **options)


def ids(data):
    return [data[place]['data_samples'].img_id for place in range(len(data))]


@pytest.mark.parametrize('missing', [False, True], ids=['damaged', 'missing'])
@pytest.mark.parametrize('workers', [0, 1])
def test_by_default_the_file_is_named(store, load_tool, workers, missing):
    if missing:
        Path(store[1]).unlink()
    loader = DataLoader(
        open_data(store),
        batch_size=3,
        num_workers=workers,
        collate_fn=pseudo_collate,
        multiprocessing_context='fork' if workers else None,
    )
    with pytest.raises(UnreadableImageError) as error:
        list(loader)
    told = load_tool('train.py').reason_of(error.value)
    assert told.startswith(f"Image '{store[1]}' of record 'i2'")
    assert '\n' not in told


def test_the_next_of_its_modality_takes_its_place(store, tmp_path):
    data = open_data(store, bad_images='quarantine')
    data.quarantine.path = tmp_path / 'quarantine.jsonl'
    assert ids(data) == ['i0', 'i1', 'i4', 'i3', 'i4', 'i5']
    found = quarantined(data.quarantine.path)
    assert list(found) == ['i2']
    assert str(store[1]) in found['i2']
    Path(data.get_data_info(4)['img_path']).unlink()
    assert ids(data) == ['i0', 'i1', 'i0', 'i3', 'i0', 'i5']
    assert list(quarantined(data.quarantine.path)) == ['i2', 'i4']


def test_none_of_a_modality_is_an_error(store):
    data = open_data(store, bad_images='quarantine')
    for place in (0, 4):
        Path(data.get_data_info(place)['img_path']).write_bytes(b'')
    with pytest.raises(UnreadableImageError, match='No image of the modality'):
        ids(data)
    assert data[1]['data_samples'].img_id == 'i1'


def test_too_many_are_an_error(store):
    data = open_data(store, bad_images='quarantine', max_bad_images=1)
    Path(data.get_data_info(3)['img_path']).write_bytes(b'')
    with pytest.raises(
        UnreadableImageError, match='image 2 that cannot be read, more than max_bad'
    ):
        ids(data)


def test_a_test_never_passes_over_an_image(store):
    with pytest.raises(UnreadableImageError):
        ids(open_data(store, bad_images='quarantine', test_mode=True))


def test_errors_of_settings_are_not_taken_for_bad_images(store):
    data = open_data(store, bad_images='quarantine')
    data.pipeline.transforms[3].max_tokens = 1
    with pytest.raises(ValueError, match='max_tokens'):
        data[0]


@pytest.mark.parametrize(
    'options', [dict(bad_images='hide'), dict(bad_images='quarantine', max_bad_images=0)], ids=str
)
def test_bad_options(store, options):
    with pytest.raises(ValueError, match='bad_images must be'):
        open_data(store, **options)


def test_lines_of_processes_and_a_torn_one(tmp_path):
    path = tmp_path / 'q.jsonl'
    for epoch in (0, 1):
        one = Quarantine(5)
        one.path = path
        one.add(epoch, 'a', 'a.png', ValueError('cut'))
        one.add(epoch, 'a', 'a.png', ValueError('cut'))
    one.add(1, 'b', 'b.png', ValueError('gone'))
    with path.open('a') as file:
        file.write('{"epoch": 1, "ima')
    assert quarantined(path) == {'a': 'cut', 'b': 'gone'}
    assert quarantined(path, [0]) == {'a': 'cut'}
    assert quarantined(tmp_path / 'none') == {}


BY_EPOCHS = dict(sampler='DefaultSampler', loop={})
BY_ITERATIONS = dict(
    sampler='InfiniteSampler', loop=dict(type='IterBasedTrainLoop', max_iters=6, val_interval=6)
)


@pytest.mark.parametrize(
    ('how', 'epochs', 'expected'),
    [
        pytest.param(BY_EPOCHS, (0, 1), (' of epoch 1', ' of epoch 2'), id='epochs'),
        pytest.param(BY_ITERATIONS, (-1,), ('',), id='iterations'),
    ],
)
def test_a_training_counts_them_in_its_work_folder(
    store, make_runner, toy_model, how, epochs, expected
):
    class Model(toy_model):
        def forward(self, inputs, data_samples, mode='tensor'):
            seen.extend(sample.img_id for sample in data_samples)
            return super().forward(torch.stack([one.mean((1, 2))[:2] for one in inputs]), mode)

    seen = []
    runner: Runner = make_runner(
        2,
        model=Model(),
        train_dataloader=dict(
            batch_size=2,
            num_workers=1,
            persistent_workers=True,
            sampler=dict(type=how['sampler'], shuffle=True),
            dataset=open_data(store, bad_images='quarantine'),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=how['loop'] or dict(by_epoch=True, max_epochs=2),
        param_scheduler=None,
        custom_hooks=[dict(type='EpochSeedHook'), dict(type='QuarantineHook')],
    )
    warnings = []
    runner.logger.warning = lambda text: warnings.append(text)
    runner.train()
    assert Counter(seen) == {'i0': 2, 'i1': 2, 'i3': 2, 'i4': 4, 'i5': 2}
    lines = Path(runner.work_dir, 'quarantine.jsonl').read_text().splitlines()
    found = [(json.loads(line)['epoch'], json.loads(line)['image_id']) for line in lines]
    assert list(dict.fromkeys(found)) == [(epoch, 'i2') for epoch in epochs]
    told = [text for text in warnings if 'could not be read' in text]
    assert [text.split(';')[0] for text in told] == [
        f'1 images{when} could not be read' for when in expected
    ]
    assert 'i2' in told[0]
