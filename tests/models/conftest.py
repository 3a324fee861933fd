"""Small models for the tests of this folder: random weights, the bundled vocabulary."""

import copy
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mmdet_medglip.testing.samples import make_sample
from mmdet_medglip.text import resolve_language_model

TEXT_CHANNELS = 48

_CONFIG = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models' / 'grounding.py'
_SHARED = Config.fromfile(_CONFIG).model.to_dict()
PREPROCESSOR, HEAD = _SHARED['data_preprocessor'], _SHARED['bbox_head']
TRAIN_CFG, TEST_CFG = _SHARED['train_cfg'], _SHARED['test_cfg']


@pytest.fixture(scope='session')
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a two-layer BERT with the bundled vocabulary and seeded random weights."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp('bert')
    AutoTokenizer.from_pretrained(resolve_language_model('bundled')).save_pretrained(folder)
    config = BertConfig(
        hidden_size=TEXT_CHANNELS,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
    )
    torch.manual_seed(0)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    assert 'hidden_size' in json.loads(Path(folder, 'config.json').read_text())
    return str(folder)


def small_config(tiny_bert: str, modalities: tuple[str, ...] = ('ct', 'mri')) -> dict:
    """Config of a MedGLIP that runs in milliseconds."""
    expert = dict(type='ResNet', depth=18, base_channels=8, out_indices=(1, 2, 3))
    return copy.deepcopy(
        dict(
            type='MedGLIP',
            data_preprocessor=PREPROCESSOR,
            language_model=dict(type='TextEncoder', name=tiny_bert, max_tokens=64),
            backbone=dict(type='ModalityRouter', experts={m: expert for m in modalities}),
            neck=dict(
                type='LanguageFusedFPN',
                in_channels=[16, 32, 64],
                out_channels=32,
                text_channels=TEXT_CHANNELS,
                num_blocks=1,
                fusion=dict(embed_channels=32, num_heads=2),
                text_layer=dict(num_attention_heads=4, intermediate_size=96),
                deformable=False,
            ),
            bbox_head=dict(
                type='MedGroundingHead', in_channels=32, text_channels=TEXT_CHANNELS, **HEAD
            ),
            train_cfg=TRAIN_CFG,
            test_cfg=TEST_CFG,
        )
    )


@pytest.fixture
def build_small(tiny_bert: str):
    """Build the small MedGLIP, with changes to its config."""
    from mmdet_medglip.registry import MODELS

    def build(*modalities: str, **changes: object):
        config = small_config(tiny_bert, modalities or ('ct', 'mri'))
        for key, value in changes.items():
            section, name = key.split('__')
            config[section][name] = value
        torch.manual_seed(0)
        return MODELS.build(ConfigDict(config))

    return build


@pytest.fixture
def sample():
    """Factory of samples, see ``make_sample``."""
    return make_sample


@pytest.fixture(scope='session')
def glip_settings() -> tuple[dict, dict, dict, dict]:
    """Settings that MMDetection's GLIP and ours share: head, preprocessor, test, train."""
    return HEAD, PREPROCESSOR, TEST_CFG, TRAIN_CFG


@pytest.fixture(scope='session', autouse=True)
def default_scope() -> None:
    """Resolve types as our configs do."""
    DefaultScope.get_instance('tests', scope_name='mmdet_medglip')
