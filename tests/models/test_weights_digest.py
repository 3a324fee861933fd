import hashlib

import torch
from torch import nn

from mmdet_medglip.models.weights_digest import detector_digest, weights_digest


def test_names_types_shapes_and_values_count_and_order_does_not():
    weights = {'a': torch.tensor([1.0, 2.0]), 'b': torch.tensor(3)}
    digest = weights_digest(weights)
    assert digest == weights_digest(dict(reversed(weights.items())))
    others = [
        {'c': weights['a'], 'b': weights['b']},
        weights | {'a': torch.tensor([1.0, 2.5])},
        weights | {'a': torch.tensor([[1.0, 2.0]])},
        weights | {'b': torch.tensor(3, dtype=torch.int32)},
    ]
    assert len({digest, *map(weights_digest, others)}) == 5


def test_strides_do_not_count():
    rows = torch.arange(6.0).reshape(2, 3)
    assert weights_digest({'a': rows.t()}) == weights_digest({'a': rows.t().contiguous()})


def test_no_weights_have_the_digest_of_nothing():
    assert weights_digest({}) == hashlib.sha256().hexdigest()


def test_numbers_without_dimension_have_a_digest():
    assert weights_digest({'a': torch.tensor(1.0)}) != weights_digest({'a': torch.tensor(1.5)})


def test_detector_is_told_by_its_head():
    model = nn.Module()
    model.backbone, model.bbox_head = nn.Linear(2, 2), nn.Linear(2, 2)
    digest = detector_digest(model)
    model.backbone.weight.data += 1
    assert detector_digest(model) == digest
    model.bbox_head.weight.data += 1
    assert detector_digest(model) != digest
    assert detector_digest(nn.Linear(2, 2)) != digest
