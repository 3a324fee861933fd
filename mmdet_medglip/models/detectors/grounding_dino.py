"""MMDetection's Grounding DINO, on either OpenMMLab line."""

from typing import Any

from mmdet.models.detectors import GroundingDINO
from torch import Tensor, nn

from mmdet_medglip.registry import MODELS

__all__ = ['MedGroundingDINO', 'own_frequencies']


@MODELS.register_module()
class MedGroundingDINO(GroundingDINO):
    """MMDetection's ``GroundingDINO``, which runs on onedl-mmdetection 3.5.1 as well.

    There the decoder (``DinoTransformerDecoder.forward``) encodes reference boxes at twice the
    frequencies that ``GroundingDinoTransformerDecoder.ref_point_head`` takes, so every forward pass
    fails. The frequencies it takes are every second of those, and are picked out here. On upstream
    MMDetection, where both agree, nothing changes. Weights are the same on both.

    Args:
        kwargs: As in mmdet.
    """

    def _init_layers(self) -> None:
        super()._init_layers()
        self.decoder.ref_point_head.register_forward_pre_hook(_pick)


def _pick(head: nn.Module, args: tuple[Any, ...]) -> tuple[Tensor]:
    (encoding,) = args
    return (own_frequencies(encoding, head.layers[0].in_features),)


def own_frequencies(encoding: Tensor, width: int) -> Tensor:
    """Cut the sine encoding of boxes down to fewer frequencies, without computing it again.

    The encoding of a number ``x`` at ``n`` frequencies is ``sin(x / 10000 ** (j / n))`` and
    ``cos`` of the same, for ``j = 0 ... n - 1``; that at ``n / k`` frequencies is every ``k``-th.

    Args:
        encoding: (..., 8 n), for each of four coordinates the n pairs of sine and cosine.
        width: Wanted last axis, 8 n / k for a whole k.

    Returns:
        (..., width); ``encoding`` itself where it has that width.

    Raises:
        ValueError: If k is not whole.
    """
    step, rest = divmod(encoding.shape[-1], width)
    if rest:
        raise ValueError(
            f'The decoder encodes boxes by {encoding.shape[-1]} numbers and its ref_point_head '
            f'takes {width}, which is not a whole part of it: choose embed_dims=256.'
        )
    if step == 1:
        return encoding
    return encoding.unflatten(-1, (4, -1, step, 2))[..., 0, :].flatten(-3)
