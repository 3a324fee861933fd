"""Detectors whose scores are spread, images, and what PyTorch finds in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from mmdet_medglip.export import Detections
from mmdet_medglip.export.agreement import Agreement, compare_detections
from mmdet_medglip.testing.samples import make_sample

PHRASES = ('liver', 'spleen', 'left kidney', 'lesion of the right lung')


def spread(model: nn.Module) -> nn.Module:
    """Random weights that give each place, phrase and image a score of its own."""
    torch.manual_seed(1)
    head = model.bbox_head
    with torch.no_grad():
        head.prior_bias.fill_(-1.0)
        head.text_bias.normal_(std=2.0)
        head.text_projection.weight.normal_()
        for part in (model.neck, head.bbox_pred, head.centerness):
            for parameter in part.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(std=0.1)
    return model.eval()


def make_images(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Images uint8 (height, width, 3) of squares of eight pixels."""
    generator = np.random.default_rng(3)
    images = []
    for height, width in sizes:
        coarse = generator.integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
        images.append(coarse.repeat(8, 0).repeat(8, 1)[:height, :width])
    return images


def predict(
    model: nn.Module, images: Sequence[np.ndarray], phrases: Sequence[str], modality: str = 'mri'
) -> list[Detections]:
    """What PyTorch finds in one batch of images."""
    samples = [make_sample(list(phrases), modality, shape=image.shape[:2]) for image in images]
    inputs = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    with torch.inference_mode():
        results = model.test_step(dict(inputs=inputs, data_samples=samples))
    found = [result.pred_instances.numpy() for result in results]
    return [Detections(f.bboxes, f.scores, f.labels, tuple(f.label_names)) for f in found]


def assert_same(found: Sequence[Detections], expected: Sequence[Detections]) -> None:
    """Every box of one answer is in the other, to what float32 rounds."""
    assert len(found) == len(expected)
    total = sum(map(compare_detections, found, expected), Agreement())
    assert total.pairs == sum(map(len, expected))
    assert total.unpaired == 0
    assert total.score <= 1e-5
    assert total.box <= 1e-3
    for one, other in zip(found, expected, strict=True):
        assert list(one.scores) == sorted(one.scores, reverse=True)
        assert sorted(one.phrases) == sorted(other.phrases)
