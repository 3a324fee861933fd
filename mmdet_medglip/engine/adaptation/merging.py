"""From an adapted checkpoint to weights of the base's architecture."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from torch import Tensor

from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.engine.hooks import check_state_dict
from mmdet_medglip.registry import MODELS

from .adaptation_runner import adapt
from .base_weights import complete, weights_of

__all__ = ['merge_checkpoint']


def merge_checkpoint(
    config: Config, path: str | Path, base: str | None = None
) -> dict[str, Tensor]:
    """Fold what was added into the weights of the base.

    Args:
        config: With ``model`` and ``adaptation``, as the checkpoint was trained.
        path: Checkpoint of all or of the adapted weights.
        base: File of the base; None takes the one that the config or the checkpoint names.

    Returns:
        Weights that a model of ``config.model`` loads without being adapted. Offsets of tuned
        phrases stay; a ``TextEncoder`` takes them over.

    Raises:
        FileNotFoundError: A checkpoint is not there.
        ValueError: The config has no ``adaptation``, or the checkpoint does not fit.
    """
    if not config.get('adaptation'):
        raise ValueError(f'{config.filename} has no entry adaptation; nothing is to be merged.')
    model = MODELS.build(config.model)
    adaptation = adapt(model, config.adaptation)
    checkpoint = load_checkpoint(path)
    complete(checkpoint, model.state_dict(), str(path), base or adaptation.base)
    weights = weights_of(checkpoint)
    check_state_dict(model, weights, str(path))
    model.load_state_dict(weights, strict=False)
    adaptation.merge(model)
    return model.state_dict()
