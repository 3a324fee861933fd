"""The detector as a function of tensors, for one modality and one list of phrases."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmdet_medglip.models import MedGLIP, TextFeatures
from mmdet_medglip.text import Prompt

from .dense_selection import Selection, top_boxes, top_pairs

__all__ = ['TracedDetector']


class TracedDetector(nn.Module):
    """Images to boxes, the same as ``MedGLIP.predict``, without lists and samples.

    The expert, the neck and the head are those of the model; the token features of the phrases are
    a constant, so the language model takes no part::

        images, sizes -- normalise, pad -- expert -- neck -- head -- best pairs -- suppression
                                                      |
                              token features ---------'

    Args:
        model: The detector, in evaluation mode.
        prompt: What is asked of every image.
        expert: Name of the expert.

    Raises:
        ValueError: ``test_cfg`` cannot be exported, or the prompt is too long.
    """

    hidden: Tensor
    mask: Tensor
    share: Tensor
    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, model: MedGLIP, prompt: Prompt, expert: str) -> None:
        super().__init__()
        self.selection = Selection.from_test_cfg(model.bbox_head.test_cfg)
        self.expert: Any = model.backbone.experts[expert]
        self.neck: Any = model.neck
        self.head: Any = model.bbox_head
        self._read_preprocessor(model.data_preprocessor)
        with torch.no_grad():
            text = model.language_model([prompt])
        (share,) = text.shares()
        self.register_buffer('hidden', text.hidden.detach().clone())
        self.register_buffer('mask', text.mask.clone())
        self.register_buffer('share', share)

    def _read_preprocessor(self, preprocessor: Any) -> None:
        self.swap_channels = bool(preprocessor._channel_conversion)
        self.size_divisor = int(preprocessor.pad_size_divisor)
        self.pad_value = float(preprocessor.pad_value)
        normalises = preprocessor._enable_normalize
        like = dict(dtype=torch.float32, device=preprocessor.device)
        mean = preprocessor.mean.flatten() if normalises else torch.zeros(3, **like)
        std = preprocessor.std.flatten() if normalises else torch.ones(3, **like)
        self.register_buffer('channel_mean', mean.clone())
        self.register_buffer('channel_std', std.clone())

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Detect.

        Args:
            images: (B, 3, H, W), 0 to 255, as the pipeline gives them; an image smaller than (H, W)
                lies at the top left, and what is beside it is not looked at.
            sizes: int64 (B, 2), height and width of each image, at most H and W.

        Returns:
            Half-open boxes (B, K, 4) in pixels of the image, scores (B, K) and labels (B, K), best
            first; rows without a box have box 0, score 0 and label -1.
        """
        maps = self.expert(self._preprocess(images, sizes))
        batch = images.shape[0]
        text = TextFeatures(self.hidden.expand(batch, -1, -1), self.mask.expand(batch, -1), ())
        boxes, scores, labels = self._candidates(*self.head(*self.neck(maps, text)))
        return top_boxes(boxes, scores, labels, sizes, self.selection)

    def _preprocess(self, images: Tensor, sizes: Tensor) -> Tensor:
        """Normalise, and pad after it to a multiple of the size divisor."""
        if self.swap_channels:
            images = images.flip(1)
        images = (images - self.channel_mean[:, None, None]) / self.channel_std[:, None, None]
        height, width = images.shape[-2:]
        rows = torch.arange(height, device=sizes.device) < sizes[:, :1]
        columns = torch.arange(width, device=sizes.device) < sizes[:, 1:]
        inside = (rows[:, :, None] & columns[:, None])[:, None]
        images = torch.where(inside, images, self.pad_value)
        below, right = (
            (side + self.size_divisor - 1) // self.size_divisor * self.size_divisor - side
            for side in (height, width)
        )
        return functional.pad(images, (0, right, 0, below), value=self.pad_value)

    def _candidates(
        self, logits: list[Tensor], deltas: list[Tensor], centerness: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Best pairs of all levels: inclusive boxes (B, N, 4), scores and labels (B, N)."""
        sizes = [delta.shape[-2:] for delta in deltas]
        priors = self.head.prior_generator.grid_priors(
            sizes, dtype=torch.float32, device=deltas[0].device
        )
        levels = [
            self._level(*level) for level in zip(logits, deltas, centerness, priors, strict=True)
        ]
        scores, labels, at, moved, central = (
            torch.cat(part, dim=1) for part in zip(*levels, strict=True)
        )
        boxes = self.head.bbox_coder.decode(at.flatten(0, 1), moved.flatten(0, 1))
        return boxes.view_as(at), (scores * central.sigmoid()).sqrt(), labels

    def _level(
        self, logits: Tensor, deltas: Tensor, centerness: Tensor, priors: Tensor
    ) -> tuple[Tensor, ...]:
        """Best pairs of one level: scores, labels, priors, deltas and centerness logits."""
        scores, places, labels = top_pairs(
            logits.sigmoid() @ self.share.T, self.selection.score_thr, self.selection.nms_pre
        )
        corners = places[..., None].expand(-1, -1, 4)
        moved = deltas.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4)).gather(1, corners)
        central = centerness.permute(0, 2, 3, 1).flatten(1).gather(1, places)
        return scores, labels, priors[places], moved, central
