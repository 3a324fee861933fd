"""The shipped configs: short, and each trains what it says."""

from pathlib import Path

import pytest

from mmdet_medglip.engine.adaptation import adapt
from mmdet_medglip.engine.config import load_config
from mmdet_medglip.engine.hooks import count_parameters
from mmdet_medglip.registry import DATA_SAMPLERS, HOOKS, LOOPS, MODELS, RUNNERS

LEAVES = sorted((Path(__file__).resolve().parents[3] / 'configs' / 'adapt').glob('*.py'))
PARTS = dict(
    full={'backbone', 'neck', 'bbox_head'},
    linear_probe={'bbox_head'},
    lora={'neck', 'bbox_head'},
    prompt_tuning={'language_model'},
)


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_a_leaf_is_short_and_trains_its_parts(path):
    assert len(path.read_text().splitlines()) <= 25
    config = load_config(path, {'model.backbone.only': ['ct'], 'replay': 1})
    model = MODELS.build(config.model)
    adapt(model, config.adaptation, ['left kidney'])
    lines = dict((name, trained) for name, _, trained in count_parameters(model))
    assert {name for name in PARTS['full'] | PARTS['prompt_tuning'] if lines[name]} == (
        PARTS[path.stem]
    )
    assert RUNNERS.get(config.runner_type) and LOOPS.get(config.test_cfg.type)
    assert DATA_SAMPLERS.get(config.train_dataloader.batch_sampler.type)
    assert all(HOOKS.get(hook.type) for hook in config.custom_hooks)


def test_there_is_a_leaf_for_each_way():
    assert {path.stem for path in LEAVES} == set(PARTS)
