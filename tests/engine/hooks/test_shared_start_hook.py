"""Experts that begin as one encoder and part."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmdet_medglip.engine.checkpoint import use_safe_checkpoints
from mmdet_medglip.models.backbones import ModalityRouter
from mmdet_medglip.registry import DATASETS, HOOKS, MODELS

MODALITIES = ('ct', 'mri', 'fundus')


@MODELS.register_module()
class StartEncoder(nn.Module):
    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, width, 1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return (self.norm(self.conv(x)),)


@MODELS.register_module()
class StartModel(BaseModel):
    """A router and a head, trained to answer with the number of the modality."""

    def __init__(self, widths=(2, 2, 2)) -> None:
        super().__init__()
        experts = {
            name: dict(type='StartEncoder', width=width)
            for name, width in zip(MODALITIES, widths, strict=True)
        }
        self.backbone = ModalityRouter(experts)
        self.head = nn.Linear(2, 1)

    def forward(self, inputs, data_samples, mode='tensor'):
        (maps,) = self.backbone(inputs, list(data_samples))
        target = torch.tensor([float(MODALITIES.index(m)) for m in data_samples])
        return dict(loss=(self.head(maps.mean((2, 3)))[:, 0] - target).square().mean())


@DATASETS.register_module()
class StartData(BaseDataset):
    """Twelve images, four of each modality, in turns."""

    def load_data_list(self):
        generator = torch.Generator().manual_seed(3)
        images = torch.rand(12, 1, 4, 4, generator=generator)
        return [
            dict(inputs=image, data_samples=MODALITIES[i % 3]) for i, image in enumerate(images)
        ]

    def __getitem__(self, index):
        data = self.get_data_info(index)
        return dict(inputs=data['inputs'], data_samples=data['data_samples'])


@HOOKS.register_module()
class StartRecorder(Hook):
    """Weights before each epoch, and at its end."""

    def before_train(self, runner):
        self.begin, self.end = [], []

    def before_train_epoch(self, runner):
        self.begin.append(copy.deepcopy(runner.model.backbone.state_dict()))

    def after_train_epoch(self, runner):
        self.end.append(copy.deepcopy(runner.model.backbone.state_dict()))


def runner(work_dir, epochs=4, fraction=0.5, **changes):
    return Runner.from_cfg(
        Config(
            dict(
                default_scope='mmdet_medglip',
                experiment_name=f'{work_dir.name}-{epochs}-{len(changes)}',
                work_dir=str(work_dir),
                model=dict(type='StartModel'),
                train_dataloader=dict(
                    batch_size=3,
                    num_workers=0,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    dataset=dict(type='StartData'),
                    collate_fn=dict(type='default_collate'),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=epochs),
                optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.05)),
                default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
                custom_hooks=[
                    dict(type='SharedStartHook', fraction=fraction),
                    dict(type='StartRecorder', priority='LOWEST'),
                ],
                randomness=dict(seed=0),
            )
            | changes
        )
    )


def experts(weights):
    return [
        {k.split('.', 2)[2]: v for k, v in weights.items() if k.startswith(f'experts.{name}.')}
        for name in MODALITIES
    ]


def same(one, other):
    return all(torch.equal(one[key], other[key]) for key in one)


def test_experts_are_one_then_part(tmp_path):
    run = runner(tmp_path / 'w')
    run.train()
    (recorder,) = (h for h in run.hooks if isinstance(h, StartRecorder))
    for epoch, weights in enumerate(recorder.end):
        first, *others = experts(weights)
        assert all(same(first, other) for other in others) == (epoch < 2)
    # All trained the first expert, three times as much as it is trained afterwards.
    assert not same(experts(recorder.begin[0])[0], experts(recorder.end[0])[0])
    first, *others = experts(recorder.begin[2])
    assert all(same(first, other) for other in others)
    assert run.model.backbone.expert_of('mri') == 'mri'


def test_moments_go_along(tmp_path):
    run = runner(tmp_path / 'w', epochs=3, fraction=0.7)
    seen = {}

    class Look(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.epoch == 2 and batch_idx == 0:
                state = runner.optim_wrapper.optimizer.state
                for name, expert in runner.model.backbone.experts.items():
                    seen[name] = {k: v.clone() for k, v in state[expert.conv.weight].items()}

    run.register_hook(Look(), priority='LOWEST')
    run.train()
    for name in MODALITIES[1:]:
        for key, value in seen['ct'].items():
            assert torch.equal(seen[name][key], value)
    assert seen['ct']['exp_avg'].abs().sum() > 0


@pytest.mark.parametrize('epoch', [1, 2, 3])
def test_resumed_training_ends_the_same(tmp_path, epoch):
    use_safe_checkpoints()
    whole = runner(tmp_path / 'whole')
    part = runner(tmp_path / 'part', epochs=epoch, fraction=min(1, 2 / epoch))
    whole.train()
    part.train()
    changes = dict(load_from=str(tmp_path / 'part' / f'epoch_{epoch}.pth'), resume=True)
    resumed = runner(tmp_path / 'resumed', **changes)
    resumed.train()
    assert same(whole.model.state_dict(), resumed.model.state_dict())


def test_loaded_experts_are_left_alone_also_when_resumed(tmp_path):
    use_safe_checkpoints()
    parted = runner(tmp_path / 'parted')
    parted.train()
    before = experts(parted.model.backbone.state_dict())
    tuned = runner(tmp_path / 'tuned', epochs=2, load_from=str(tmp_path / 'parted' / 'epoch_4.pth'))
    tuned.train()
    (recorder,) = (h for h in tuned.hooks if isinstance(h, StartRecorder))
    assert all(map(same, experts(recorder.begin[0]), before))
    resumed = runner(
        tmp_path / 'resumed', load_from=str(tmp_path / 'tuned' / 'epoch_2.pth'), resume=True
    )
    resumed.train()
    (recorder,) = (h for h in resumed.hooks if isinstance(h, StartRecorder))
    assert all(map(same, experts(recorder.begin[0]), experts(tuned.model.backbone.state_dict())))
    assert not same(*experts(recorder.end[0])[:2])


def test_one_epoch_is_not_halved(tmp_path):
    run = runner(tmp_path / 'w', epochs=1)
    run.train()
    assert not same(*experts(run.model.backbone.state_dict())[:2])


def test_faults_are_named(tmp_path):
    with pytest.raises(ValueError, match='fraction must be above 0 and at most 1'):
        HOOKS.build(dict(type='SharedStartHook', fraction=0))
    endless = runner(
        tmp_path / 'c', train_cfg=dict(by_epoch=False, max_iters=2), experiment_name='endless'
    )
    with pytest.raises(ValueError, match='no epochs to share'):
        endless.train()
    different = runner(tmp_path / 'a', model=dict(type='StartModel', widths=(2, 2, 3)))
    with pytest.raises(ValueError, match="expert 'fundus' differs in architecture from 'ct'"):
        different.train()
    lost = runner(
        tmp_path / 'b', custom_hooks=[dict(type='SharedStartHook', fraction=1, backbone='encoder')]
    )
    with pytest.raises(ValueError, match="no ModalityRouter named 'encoder'"):
        lost.train()
