"""The image encoder of a small model, which stays as it is or is trained along."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdet_medglip.models.language_models.weight_bound_cache import WeightBoundCache
from mmdet_medglip.registry import MODELS

__all__ = ['ImageEncoder']


@MODELS.register_module()
class ImageEncoder(BaseModule):
    """Give the last maps of an image encoder.

    One that is frozen keeps its weights, and what it made of images. Images are known by their
    values, so a pipeline that changes them at random is safe, but never meets one again. What is
    kept is dropped when the weights change.

    Args:
        encoder: Config of a backbone or :class:`ModalityRouter`.
        num_maps: Number of maps to give, the last ones; at least 1.
        frozen: Whether the weights stay; else they are trained.
        cache_size: Number of images whose maps are kept, of a frozen encoder; 0 keeps none.
        init_cfg: As in mmengine.
    """

    def __init__(
        self,
        encoder: dict,
        num_maps: int,
        frozen: bool = True,
        cache_size: int = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.num_maps = num_maps
        self._known: WeightBoundCache[tuple[str | None, bytes], tuple[Tensor, ...]]
        self._known = WeightBoundCache(cache_size)
        self.frozen = frozen
        if frozen:
            self.encoder.requires_grad_(False)
            self.encoder.eval()

    def forward(self, x: Tensor, modalities: Sequence[str | None]) -> tuple[Tensor, ...]:
        """Encode a batch.

        Args:
            x: Images (B, 3, H, W).
            modalities: Of each image.

        Returns:
            Maps (B, C_i, H_i, W_i), of a frozen encoder without gradient.
        """
        if not self.frozen:
            return tuple(self.encoder(x, modalities))[-self.num_maps :]
        with torch.no_grad():
            return self._known_maps(x, modalities)

    def _known_maps(self, x: Tensor, modalities: Sequence[str | None]) -> tuple[Tensor, ...]:
        if not self._known.size:
            return tuple(self.encoder(x, modalities))[-self.num_maps :]
        keys = [
            (modality, hashlib.sha1(image.numpy(force=True).tobytes()).digest())
            for image, modality in zip(x, modalities, strict=True)
        ]
        rows = {key: row for row, key in enumerate(keys)}

        def encode(lost: list[tuple[str | None, bytes]]) -> list[tuple[Tensor, ...]]:
            index = [rows[key] for key in lost]
            maps = tuple(self.encoder(x[index], [modality for modality, _ in lost]))
            return list(zip(*(one.unbind() for one in maps[-self.num_maps :]), strict=True))

        found = self._known.fetch_of(self.encoder, keys, encode)
        of_images = [found[key] for key in keys]
        return tuple(torch.stack(level) for level in zip(*of_images, strict=True))

    def train(self, mode: bool = True) -> ImageEncoder:
        """Set the mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self
