import torch
from torch import nn

from mmdet_medglip.models.weights_digest import detector_digest, weights_digest


class Scaled(nn.Module):
    """With a parameter of no dimension, as mmcv's Scale has."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.register_buffer('steps', torch.arange(6).reshape(2, 3).T)


def test_digest_follows_values_names_and_types():
    digest = weights_digest(Scaled())
    assert len(digest) == 64
    assert weights_digest(Scaled()) == digest
    changed = Scaled()
    changed.scale.data += 1e-6
    assert weights_digest(changed) != digest
    assert weights_digest(Scaled().half()) != digest
    renamed = nn.Module()
    renamed.inner = Scaled()
    assert weights_digest(renamed) != digest


def test_detector_is_told_by_its_head():
    model = nn.Module()
    model.backbone, model.bbox_head = nn.Linear(2, 2), Scaled()
    digest = detector_digest(model)
    model.backbone.weight.data += 1
    assert detector_digest(model) == digest
    model.bbox_head.scale.data += 1
    assert detector_digest(model) != digest
    assert detector_digest(nn.Linear(2, 2)) != digest
