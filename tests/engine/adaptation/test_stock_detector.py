"""The ways that need no language model, on MMDetection's own RetinaNet."""

import pytest
import torch
from mmdet.utils import register_all_modules
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

from mmdet_medglip.engine.adaptation import adapt
from mmdet_medglip.registry import MODELS

LAST = [r'bbox_head\.retina_(cls|reg)']
RETINA = dict(
    type='RetinaNet',
    backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(1, 2, 3)),
    neck=dict(type='FPN', in_channels=[16, 32, 64], out_channels=16, num_outs=5),
    bbox_head=dict(
        type='RetinaHead',
        num_classes=3,
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=1,
            ratios=[1.0],
            strides=[8, 16, 32, 64, 128],
        ),
    ),
)


@pytest.fixture
def retina():
    register_all_modules(init_default_scope=False)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(ConfigDict(RETINA)).eval()


def answer(model) -> torch.Tensor:
    image = torch.arange(3 * 64 * 64.0).reshape(1, 3, 64, 64) / 1e4
    with torch.no_grad():
        scores, _ = model.bbox_head(model.extract_feat(image))
    return torch.cat([level.flatten() for level in scores])


def test_a_probe_trains_the_layers_named(retina):
    before = answer(retina)
    adapt(retina, dict(type='LinearProbe', trained=LAST))
    assert torch.equal(answer(retina), before)
    assert {name for name, p in retina.named_parameters() if p.requires_grad} == {
        f'bbox_head.retina_{part}.{kind}' for part in ('cls', 'reg') for kind in ('weight', 'bias')
    }


def test_lora_starts_as_the_detector_and_merges_into_it(retina):
    before, keys = answer(retina), set(retina.state_dict())
    lora = dict(type='LoRA', targets=['backbone', r'bbox_head\.cls_convs'], trained=LAST)
    adaptation = adapt(retina, lora)
    assert keys < set(retina.state_dict())
    assert torch.equal(answer(retina), before)
    for name, parameter in retina.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(parameter, std=0.1)
    changed = answer(retina)
    assert (changed - before).abs().max() > 1e-3
    adaptation.merge(retina)
    assert set(retina.state_dict()) == keys
    assert torch.allclose(answer(retina), changed, atol=1e-4)
