import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from mmdet_medglip.engine.model_cost import idle_parameters, model_cost
from mmdet_medglip.models.backbones import ModalityRouter

EXPERT = dict(type='mmdet.ResNet', depth=18, base_channels=8, out_indices=(0,))


class Answerer(BaseModel):
    """A convolution of the image, and a language model that is not counted."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1, bias=False)
        self.language_model = nn.Linear(7, 11, bias=False).requires_grad_(False)

    def forward(self, inputs, data_samples, mode):
        assert data_samples[0].text == ('liver',)
        self.language_model(torch.zeros(1, 7))
        return self.conv(torch.stack(inputs).float())


def test_cost_by_hand():
    cost = model_cost(Answerer(), 'ct', ['liver'], (4, 2))
    assert (cost.parameters, cost.trainable, cost.active) == (15 + 77, 15, 15)
    assert cost.flops == 2 * 15 * 8


def test_experts_that_an_image_does_not_meet_are_idle():
    router = ModalityRouter(dict(ct=EXPERT, mri=EXPERT), routes=dict(xray='ct'))
    one = sum(p.numel() for p in router.experts['mri'].parameters() if p.requires_grad)
    assert idle_parameters(router, 'ct') == idle_parameters(router, 'xray') == one
    assert idle_parameters(nn.Linear(2, 2), 'ct') == 0


def test_shared_stages_are_not_idle():
    router = ModalityRouter(dict(ct=EXPERT, mri=EXPERT), shared_stages=['layer1'])
    plain = ModalityRouter(dict(ct=EXPERT, mri=EXPERT))
    shared = sum(p.numel() for p in router.experts['ct'].layer1.parameters())
    assert idle_parameters(router, 'ct') == idle_parameters(plain, 'ct') - shared


def test_no_expert_for_the_modality_is_an_error():
    router = ModalityRouter(dict(ct=EXPERT))
    with pytest.raises(ValueError, match='No expert'):
        idle_parameters(router, 'fundus')
