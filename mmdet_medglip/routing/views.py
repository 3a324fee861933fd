"""Random views of thumbnails, so that size, framing, colour mode and sharpness tell nothing."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['framed_views', 'random_views', 'stretch_contrast']

_GREY = (0.114, 0.587, 0.299)
"""Weights of blue, green and red, ITU-R BT.601."""
_AREAS = (0.45, 1.5)
"""Area that a view shows, as a multiple of the image's."""
_GREY_SHARE = 0.25


def stretch_contrast(images: Tensor) -> Tensor:
    """Map the 0.5 and 99.5 percentiles of each image to 0 and 255, as a thumbnail has them.

    Args:
        images: (B, 3, H, W), any values; a quarter of the pixels is looked at.

    Returns:
        (B, 3, H, W) in 0..255.
    """
    quarter = images[:, :, ::2, 1::2].flatten(1)
    levels = torch.tensor([0.005, 0.995], device=images.device)
    low, high = torch.quantile(quarter, levels, dim=1).view(2, -1, 1, 1, 1)
    return ((images - low) * (255 / (high - low).clamp(min=1e-3))).clamp(0, 255)


def framed_views(images: Tensor) -> Tensor:
    """Another framing of each image.

    Cropped or with a margin, stretched, turned and mirrored; one in four without colour. What lies
    outside is black or repeats the edge.

    Args:
        images: (B, 3, S, S), 0..255, float.

    Returns:
        (B, 3, S, S), 0..255.
    """
    return stretch_contrast(_partly_grey(_moved(images)))


def random_views(images: Tensor) -> Tensor:
    """One random view of each image, to train on.

    As :func:`framed_views`, and with other gains of the channels, gamma, less resolution and noise.

    Args:
        images: (B, 3, S, S), 0..255, float.

    Returns:
        (B, 3, S, S), 0..255.
    """
    views = _tinted(_partly_grey(_moved(images)))
    draw = _Draw(images)
    coarse = int(torch.randint(images.shape[-1] // 3, images.shape[-1], ()))
    blurred = F.interpolate(
        F.interpolate(views, size=coarse, mode='area'), size=images.shape[-1], mode='bilinear'
    )
    views = torch.where(draw.chance(0.3), blurred, views)
    noise = torch.randn_like(views) * draw.between(0, 12) * draw.chance(0.4)
    return stretch_contrast((views + noise).clamp(0, 255))


class _Draw:
    """Random numbers, one of each kind per image."""

    def __init__(self, images: Tensor) -> None:
        self.like = images[:, :1, :1, :1]

    def between(self, low: float, high: float) -> Tensor:
        return torch.rand_like(self.like) * (high - low) + low

    def chance(self, share: float) -> Tensor:
        return torch.rand_like(self.like) < share


def _moved(images: Tensor) -> Tensor:
    draw = _Draw(images)
    size = draw.between(*_AREAS).sqrt()
    shape = draw.between(-0.4, 0.4).exp()
    width, height = (size * shape).clamp(max=1.3), (size / shape).clamp(max=1.3)
    turn = draw.between(-0.25, 0.25)
    mirror = 1 - 2 * draw.chance(0.5).float()
    upside = 1 - 2 * draw.chance(0.3).float()
    moves = [draw.between(-1, 1) * (1 - side).clamp(min=0) for side in (width, height)]
    rows = [
        [mirror * width * turn.cos(), -height * turn.sin(), moves[0]],
        [width * turn.sin(), upside * height * turn.cos(), moves[1]],
    ]
    matrices = torch.cat([torch.cat(row, 2) for row in rows], 1).squeeze(-1).view(-1, 2, 3)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    padding = 'zeros' if torch.rand(()) < 0.5 else 'border'
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def _partly_grey(images: Tensor) -> Tensor:
    weights = images.new_tensor(_GREY).view(1, 3, 1, 1)
    grey = (images * weights).sum(1, keepdim=True).expand_as(images)
    return torch.where(_Draw(images).chance(_GREY_SHARE), grey, images)


def _tinted(images: Tensor) -> Tensor:
    draw = _Draw(images)
    gains = torch.rand_like(images[:, :, :1, :1]).mul(0.3).sub(0.15).exp()
    gains = torch.where(draw.chance(0.5), gains, torch.ones_like(gains))
    return 255 * (images * gains / 255).clamp(1e-4, 1) ** draw.between(-0.5, 0.5).exp()
