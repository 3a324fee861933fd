"""The real commands on demo data: two processes train experts of different modalities jointly."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmdet_medglip.store import GroundingStore
from mmdet_medglip.text import resolve_language_model

RECORDER = """
import torch

from mmdet_medglip.store import GroundingStore
from mmdet_medglip.text import resolve_language_model
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmdet_medglip.registry import HOOKS


@HOOKS.register_module()
class Recorder(Hook):
    def before_train(self, runner):
        self.steps = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.steps.append([(s.modality, s.img_id) for s in data_batch['data_samples']])

    def after_train(self, runner):
        module = runner.model.module
        weights = {name: p.detach().clone() for name, p in module.named_parameters()}
        buffers = {name: b.clone() for name, b in module.named_buffers()}
        torch.save(dict(steps=self.steps, weights=weights, buffers=buffers),
                   f'{runner.work_dir}/rank_{get_rank()}.pt')
"""
CONFIG = """
_base_ = ['{root}/configs/medglip/all.py']
custom_imports = dict(imports=['recorder'])
custom_hooks = [dict(type='Recorder')]
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False,
                        batch_sampler=dict(num_batches=6))
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0)
train_cfg = dict(max_epochs=1, val_interval=1)
visualizer = dict(vis_backends=[dict(type='TensorboardVisBackend')])
default_hooks = dict(visualization=dict(draw=True, add_to_visualizer=True))
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Path:
    """Demo data of two modalities, and a short form of the joint config."""
    folder = tmp_path_factory.mktemp('joint')
    (folder / 'recorder.py').write_text(RECORDER)
    (folder / 'joint.py').write_text(CONFIG.format(root=repo_root))
    made = _run(
        folder, repo_root, 'make_demo_data.py', '--modalities', 'ct', 'mri', '--patients', '8'
    )
    assert made.returncode == 0, made.stderr[-3000:]
    return folder


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def _run(folder: Path, root: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess:
    program = ['bash'] if tool.endswith('.sh') else [sys.executable]
    env = os.environ | dict(
        PYTHONPATH=str(folder),
        PORT=_free_port(),
        PYTHON=sys.executable,
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
    )
    return subprocess.run(
        [*program, str(root / 'tools' / tool), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_ranks_of_different_modalities_train_one_model(folder: Path, repo_root: Path) -> None:
    done = _run(folder, repo_root, 'dist_train.sh', 'joint.py', '2')
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    work_dir = folder / 'work_dirs' / 'joint'
    first, second = (torch.load(work_dir / f'rank_{rank}.pt', weights_only=True) for rank in (0, 1))
    for rank in (first, second):
        assert len(rank['steps']) == 6
        assert all(len({modality for modality, _ in step}) == 1 for step in rank['steps'])
    pairs = list(zip(first['steps'], second['steps'], strict=True))
    assert any(one[0][0] != other[0][0] for one, other in pairs)
    assert all(not set(one) & set(other) for one, other in pairs)
    for name, weight in first['weights'].items():
        assert torch.isfinite(weight).all()
        assert torch.equal(weight, second['weights'][name]), f'{name} differs between ranks'
    assert list(work_dir.rglob('events.out.tfevents.*'))
    assert list((work_dir / 'pictures').rglob('*.png'))


@pytest.mark.slow
def test_the_joint_checkpoint_is_measured_and_drawn(folder: Path, repo_root: Path) -> None:
    if not (folder / 'work_dirs' / 'joint' / 'rank_0.pt').is_file():
        pytest.skip('the joint training above failed')
    tested = _run(folder, repo_root, 'test.py', 'joint.py', '--show-dir', 'pictures')
    assert tested.returncode == 0, tested.stderr[-3000:]
    metrics = json.loads((folder / 'work_dirs' / 'joint' / 'test_metrics.json').read_text())
    assert {'coco/AP50', 'coco/ct/AP50', 'coco/mri/AP50', 'phrase/Recall@1'} <= set(metrics)
    assert list((folder / 'pictures').rglob('*.png'))


@pytest.mark.slow
def test_mmdetections_own_glip_trains_on_the_same_data(
    folder: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('GLIP_LANGUAGE_MODEL', resolve_language_model('bundled'))
    short = [
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'default_hooks.logger.interval=1',
    ]
    few = [f'{part}_dataloader.dataset.indices=4' for part in ('train', 'val')]
    workers = [f'{part}_dataloader.num_workers=0' for part in ('train', 'val')]
    workers += [f'{part}_dataloader.persistent_workers=False' for part in ('train', 'val')]
    done = _run(
        folder,
        repo_root,
        'train.py',
        str(repo_root / 'configs/baselines/ct_glip_r18.py'),
        '--cfg-options',
        *short,
        *few,
        *workers,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert 'coco/ct/AP50' in done.stdout + done.stderr


def write_captions(store: Path, target: Path, count: int) -> None:
    """ODVG lines that describe each image in a sentence and ground its phrases."""
    records = [record for record in GroundingStore(store) if record.modality == 'ct'][:count]
    with target.open('w') as lines:
        for record in records:
            caption, regions = 'Seen here:', []
            for instance in record.instances:
                phrase = instance.label.replace('_', ' ')
                start = len(caption) + 1
                caption += f' {phrase},'
                span = [[start, start + len(phrase)]]
                regions.append(dict(bbox=list(instance.bbox), phrase=phrase, tokens_positive=span))
            line = dict(
                filename=record.image_path,
                height=record.height,
                width=record.width,
                modality='ct',
                grounding=dict(caption=caption, regions=regions),
            )
            lines.write(json.dumps(line) + '\n')


@pytest.mark.slow
def test_captions_with_grounded_phrases_train_and_are_measured(
    folder: Path, repo_root: Path
) -> None:
    store = folder / 'data' / 'demo' / 'store'
    write_captions(store, store / 'captions.jsonl', 6)
    parts = ('train', 'val')
    done = _run(
        folder,
        repo_root,
        'train.py',
        str(repo_root / 'configs/medglip/ct.py'),
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'work_dir=captions',
        *[f'{part}_dataloader.dataset.ann_file=captions.jsonl' for part in parts],
        *[f'{part}_dataloader.dataset.split=None' for part in parts],
        *[f'{part}_dataloader.num_workers=0' for part in parts],
        *[f'{part}_dataloader.persistent_workers=False' for part in parts],
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    assert 'phrase/ct/Recall@5' in output
    assert (folder / 'captions' / 'epoch_1.pth').is_file()


STOCK = """
_base_ = ['mmdet::_base_/default_runtime.py', 'mmdet::_base_/schedules/schedule_1x.py']
custom_imports = dict(imports=['mmdet_medglip.registry'])
data_root = 'data/demo/store/'
expert = dict(type='ResNet', depth=18, base_channels=16, out_indices=(1, 2, 3))
model = dict(
    type='RetinaNet',
    data_preprocessor=dict(type='mmdet_medglip.ModalityDataPreprocessor', pad_size_divisor=32),
    backbone=dict(type='mmdet_medglip.ModalityRouter', experts=dict(ct=expert, mri=expert)),
    neck=dict(type='FPN', in_channels=[32, 64, 128], out_channels=32, num_outs=5),
    bbox_head=dict(
        type='RetinaHead', num_classes=13, in_channels=32, feat_channels=32, stacked_convs=1,
        anchor_generator=dict(type='AnchorGenerator', octave_base_scale=4, scales_per_octave=1,
                              ratios=[1.0], strides=[8, 16, 32, 64, 128])),
    train_cfg=dict(
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
        sampler=dict(type='PseudoSampler'), allowed_border=-1, pos_weight=-1),
    test_cfg=dict(nms_pre=100, score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5),
                  max_per_img=20))
pipeline = [
    dict(type='mmdet_medglip.LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmdet_medglip.IntensityWindow'),
    dict(type='mmdet_medglip.SamplePrompt', mode='test', scope='all'),
    dict(type='mmdet_medglip.PackGroundingInputs'),
]
dataset = dict(type='mmdet_medglip.MedGroundingDataset', data_root=data_root, split='train',
               indices=4, pipeline=pipeline)
train_dataloader = dict(batch_size=2, num_workers=0, dataset=dataset,
                        sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(dataset, test_mode=True),
                      sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='mmdet_medglip.MedCocoMetric')
test_dataloader = test_evaluator = test_cfg = None
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(visualization=dict(type='mmdet_medglip.GroundingVisualizationHook'))
"""


def test_our_parts_work_in_a_stock_mmdetection_config(folder: Path, repo_root: Path) -> None:
    (folder / 'stock.py').write_text(STOCK)
    done = _run(folder, repo_root, 'train.py', 'stock.py')
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    assert 'coco/ct/AP50' in output
    assert list((folder / 'work_dirs' / 'stock' / 'pictures').rglob('*.png'))
