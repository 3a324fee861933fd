"""Boxes by hand, and boxes at random."""

import pytest
import torch
from mmengine.structures import InstanceData


@pytest.fixture
def boxes():
    """Make boxes of one image from rows (label, score, box)."""

    def make(*rows: tuple[int, float, list[float]]) -> InstanceData:
        return InstanceData(
            bboxes=torch.tensor([box for _, _, box in rows]).float().reshape(-1, 4),
            scores=torch.tensor([score for _, score, _ in rows]).float(),
            labels=torch.tensor([label for label, _, _ in rows]).long(),
        )

    return make


@pytest.fixture
def crowd():
    """Make boxes at random, most of which overlap some others; a few are empty or equal."""

    def make(seed: int, num_labels: int, count: int = 120, spread: float = 30.0) -> InstanceData:
        generator = torch.Generator().manual_seed(seed)

        def uniform(*shape: int) -> torch.Tensor:
            return torch.rand(*shape, generator=generator)

        corner, size = uniform(count, 2) * spread, 4 + 12 * uniform(count, 2)
        bboxes = torch.cat([corner, corner + size], dim=1)
        bboxes[5::17] = bboxes[4::17][: len(bboxes[5::17])]
        bboxes[7::29, 2:] = bboxes[7::29, :2]
        return InstanceData(
            bboxes=bboxes,
            scores=uniform(count),
            labels=torch.randint(num_labels, (count,), generator=generator),
        )

    return make
