"""A detector with random weights that finds something everywhere, and images to show it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from PIL import Image

from mmdet_medglip.apis import MedGLIPInferencer
from mmdet_medglip.engine.config import load_config
from mmdet_medglip.registry import MODELS

CONFIG = """
_base_ = [
    '{configs}/_base_/models/medglip_r18.py',
    '{configs}/_base_/datasets/med_grounding.py',
    '{configs}/_base_/default_runtime.py',
]
image_size = (64, 64)
test_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='SamplePrompt', mode='test'),
    dict(type='PackGroundingInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
model = dict(
    backbone=dict(experts=dict({experts})),
    test_cfg=dict(score_thr=0.0, max_per_img=20),
)
"""


@pytest.fixture(scope='session')
def make_model(
    tmp_path_factory: pytest.TempPathFactory, repo_root: Path
) -> Callable[..., tuple[str, str]]:
    """Write a config for some modalities and random weights; return both paths."""

    def make(*modalities: str) -> tuple[str, str]:
        folder = tmp_path_factory.mktemp('model')
        experts = ', '.join(f'{name}=_base_.expert' for name in modalities)
        path = folder / 'config.py'
        path.write_text(CONFIG.format(configs=repo_root / 'configs', experts=experts))
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmdet_medglip'):
            model = MODELS.build(load_config(path).model)
        with torch.no_grad():
            model.bbox_head.prior_bias.fill_(-1.0)
            model.bbox_head.text_bias.normal_(std=2.0)
        torch.save({'state_dict': model.state_dict()}, folder / 'weights.pth')
        return str(path), str(folder / 'weights.pth')

    return make


@pytest.fixture(scope='session')
def model_files(make_model) -> tuple[str, str]:
    """Config and weights of a model for CT and MR."""
    return make_model('ct', 'mri')


@pytest.fixture(scope='session')
def inferencer(model_files) -> MedGLIPInferencer:
    """The model, ready."""
    return MedGLIPInferencer(*model_files, device='cpu', show_progress=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey PNG of 40 rows and 60 columns."""
    path = tmp_path / 'picture.png'
    Image.fromarray(grey(40, 60)).save(path)
    return path


def grey(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.fixture
def make_picture(tmp_path: Path) -> Callable[..., Path]:
    """Write ``name.png`` with other content for every seed."""

    def make(name: str, seed: int = 0, folder: Path = tmp_path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f'{name}.png'
        Image.fromarray(grey(40, 60, seed)).save(path)
        return path

    return make
