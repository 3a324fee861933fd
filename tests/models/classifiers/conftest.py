"""A classifier that was trained for a few steps on two kinds of pictures."""

import pytest
import torch
from torch import Tensor

from mmdet_medglip.models.classifiers import ModalityClassifier


def make_pictures(modality: str, count: int, seed: int = 0) -> Tensor:
    """Bright discs ('ct') or dark vertical bars ('xray') at places by chance, uint8."""
    generator = torch.manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing='ij')
    images = []
    for _ in range(count):
        shift = torch.rand(2, generator=generator) * 16 + 24
        if modality == 'ct':
            image = 220.0 * (((y - shift[0]) ** 2 + (x - shift[1]) ** 2).sqrt() < 16)
        else:
            image = 200 - 150.0 * ((x - shift[0]) % 8 < 4)
        noise = torch.randn(64, 64, generator=generator) * 8
        images.append((image + noise).clamp(0, 255))
    return torch.stack(images)[:, None].expand(-1, 3, -1, -1).to(torch.uint8)


@pytest.fixture(scope='session')
def pictures():
    """Factory of pictures, see ``make_pictures``."""
    return make_pictures


@pytest.fixture(scope='session')
def trained(pictures) -> ModalityClassifier:
    """Trained on batches of one modality each, and calibrated on other pictures."""
    torch.manual_seed(0)
    classifier = ModalityClassifier(['ct', 'xray'], known_per_step=16, foreign_per_step=12)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=3e-3)
    for step in range(70):
        modality = 'ct' if step % 2 else 'xray'
        loss = classifier.loss(pictures(modality, 6, seed=step), [modality] * 6)['loss_modality']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    classifier.eval()
    known = torch.cat([pictures('ct', 50, seed=100), pictures('xray', 50, seed=101)])
    classifier.calibrate(known, ['ct'] * 50 + ['xray'] * 50, keep=0.96)
    return classifier
