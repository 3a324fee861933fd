"""Build what a piece of a config sets, on top of the config it belongs to."""

import re
from pathlib import Path

from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope

from mmdet_medglip import registry
from mmdet_medglip.engine.config import load_config
from tests.docs.page import ROOT, Block


def build_fragment(block: Block, base: str | None, before: str, folder: Path) -> Config:
    """Write the piece as a config that inherits from its base, load it and build its entries.

    Args:
        block: Python of assignments.
        base: Config below the checkout; None for a detector of MMDetection's.
        before: Earlier pieces of the page of the same config, whose names may be used.
        folder: Where the file is written.

    Raises:
        AssertionError: It sets nothing that can be built.
    """
    above = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py' if base is None else str(ROOT / base)
    path = folder / f'fragment_{block.line}.py'
    path.write_text(f'_base_ = [{above!r}]\n{before}{block.text}', encoding='utf-8')
    config = load_config(path)
    names = re.findall(r'^(\w+) = ', block.text, re.MULTILINE)
    scope = 'mmdet' if base is None else 'mmdet_medglip'
    with DefaultScope.overwrite_default_scope(scope):
        built = [name for name in names if _build(name, config)]
    assert built, f'{block} sets {sorted(names)}, of which nothing is built'
    return config


def _build(name: str, config: Config) -> bool:
    value = config.get(name)
    if name == 'model':
        value.backbone.pop('init_cfg', None)
        registry.MODELS.build(value)
    elif name == 'backbone':
        registry.MODELS.build(value)
    elif name.endswith('_pipeline'):
        for step in value:
            registry.TRANSFORMS.build(step)
    elif name.endswith('_dataloader'):
        assert len(registry.DATASETS.build(value.dataset)) > 0
        for part in ('sampler', 'batch_sampler'):
            assert part not in value or value[part].type in registry.DATA_SAMPLERS
    elif name.endswith('_evaluator'):
        Evaluator(value)
    elif name == 'adaptation':
        options = {key: entry for key, entry in value.items() if key not in ('save', 'base')}
        registry.ADAPTATIONS.build(options)
        assert config.runner_type in registry.RUNNERS
    elif name == 'tasks':
        # load_config has made data loaders of the tasks.
        assert len(registry.DATASETS.build(config.train_dataloader.dataset)) > 0
    elif name == 'visualizer':
        for backend in value.vis_backends:
            assert backend.type in registry.VISBACKENDS
    elif name == 'default_hooks':
        registry.HOOKS.build(value.visualization)
    else:
        return False
    return True
