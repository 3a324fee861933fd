"""A small MedGLIP, its answers, and a runner that adapts it in a few steps."""

import itertools

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmdet_medglip.engine.adaptation import AdaptationRunner
from mmdet_medglip.registry import MODELS
from mmdet_medglip.testing.samples import make_sample
from tests.models.conftest import small_config, tiny_bert

__all__ = ['tiny_bert']

_NUMBERS = itertools.count()
SHAPE = (64, 64)


@pytest.fixture(scope='session', autouse=True)
def default_scope() -> None:
    """Resolve types as our configs do."""
    DefaultScope.get_instance('adaptation', scope_name='mmdet_medglip')


@pytest.fixture
def settings(tiny_bert):
    """Config of the small model, its text encoder frozen."""
    config = small_config(tiny_bert)
    config['language_model']['frozen'] = True
    config['test_cfg']['score_thr'] = 0.0
    return config


@pytest.fixture
def build(settings):
    """Build the small model with the same random weights each time."""

    def make(**language_model: object):
        torch.manual_seed(0)
        config = ConfigDict(settings)
        config.language_model.update(language_model)
        return MODELS.build(config).eval()

    return make


def image(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, *SHAPE), dtype=torch.uint8, generator=generator)


@pytest.fixture
def ask():
    """Boxes and scores (n, 5) of a model for phrases."""

    def answer(model, *phrases: str, modality: str = 'ct') -> torch.Tensor:
        request = make_sample(list(phrases), modality, shape=SHAPE)
        with torch.no_grad():
            (result,) = model.eval().test_step(dict(inputs=[image()], data_samples=[request]))
        found = result.pred_instances
        return torch.cat([found.bboxes, found.scores[:, None]], 1)

    return answer


@pytest.fixture
def raw():
    """What the head predicts at every place for two phrases, as one row."""

    def answer(model) -> torch.Tensor:
        request = make_sample(['left kidney', 'aorta'], 'ct', shape=SHAPE)
        batch = model.eval().data_preprocessor(dict(inputs=[image()], data_samples=[request]))
        with torch.no_grad():
            levels = model._forward(batch['inputs'], batch['data_samples'])
        return torch.cat([level.flatten() for maps in levels for level in maps])

    return answer


def examples() -> list[dict]:
    """Four CT images with a box of each of two phrases."""
    boxes = [[4, 4, 40, 40], [30, 20, 60, 60]]
    return [
        dict(
            inputs=image(seed),
            data_samples=make_sample(['left kidney', 'aorta'], 'ct', boxes, [0, 1], SHAPE),
        )
        for seed in range(4)
    ]


@pytest.fixture
def make_runner(settings, tmp_path, safe_loader):
    """Runner of a config with an entry ``adaptation``; None gives mmengine's own."""

    def make(adaptation: dict | None, load_from: str | None = None, **changes: object) -> Runner:
        config = dict(
            model=ConfigDict(settings),
            work_dir=str(tmp_path / f'work_{next(_NUMBERS)}'),
            train_dataloader=dict(
                batch_size=2,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=examples(),
                collate_fn=dict(type='pseudo_collate'),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.05)),
            default_hooks=dict(logger=dict(type='LoggerHook', interval=100)),
            custom_hooks=[dict(type='CheckpointMatchHook')],
            randomness=dict(seed=0),
            default_scope='mmdet_medglip',
            experiment_name=f'{tmp_path.name}_{next(_NUMBERS)}',
            load_from=load_from,
            **changes,
        )
        if adaptation is None:
            return Runner(**config)
        return AdaptationRunner(**config, cfg=Config(dict(adaptation=adaptation)))

    return make


@pytest.fixture
def base_file(build, tmp_path):
    """Checkpoint of a base whose scores differ between phrases and places."""
    model = build()
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dim() > 1:
            parameter.data.add_(torch.randn_like(parameter) * 0.05)
        if name.endswith('prior_bias'):
            parameter.data.zero_()
    path = tmp_path / 'base.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return str(path)
