"""Checkpoints of adapted weights alone, and the base they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.models.weights_digest import weights_digest

__all__ = ['ADAPTED_FROM', 'complete', 'keep_adapted', 'weights_of']

ADAPTED_FROM = 'adapted_from'
"""Entry of a checkpoint's ``meta`` that names its base."""


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights of a checkpoint by their names in a model, whatever it holds beside them."""
    weights = checkpoint.get('state_dict', checkpoint)
    return {name.removeprefix('module.'): value for name, value in weights.items()}


def keep_adapted(checkpoint: dict[str, Any], frozen: set[str], base: str) -> None:
    """Leave out of a checkpoint what the base has, and note which base that is.

    ``meta['adapted_from']`` then has ``file``, the base's path, and ``digest``, the SHA-256 of the
    weights that were left out.

    Args:
        checkpoint: With ``state_dict`` and ``meta``; changed in place.
        frozen: Names of weights that are as in the base.
        base: Path of the base.
    """
    weights = checkpoint['state_dict']
    left_out = {name: value for name, value in weights.items() if name in frozen}
    checkpoint['state_dict'] = type(weights)(
        (name, value) for name, value in weights.items() if name not in frozen
    )
    checkpoint['meta'][ADAPTED_FROM] = dict(file=base, digest=weights_digest(left_out))


def complete(
    checkpoint: dict[str, Any], expected: Mapping[str, Tensor], name: str, base: str | None = None
) -> set[str]:
    """Put the base's weights back into a checkpoint of adapted ones; a full one stays as it is.

    Args:
        checkpoint: As ``load_checkpoint`` gives it; changed in place.
        expected: State dict of the model; names what is to be put back.
        name: File name of the checkpoint, for messages.
        base: File of the base; None takes the one that the checkpoint names.

    Returns:
        Names of the weights that the base gave; none of a full checkpoint.

    Raises:
        FileNotFoundError: The base is not there.
        ValueError: The base is another one, or what the checkpoint says of it is no path and
            digest.
    """
    noted = (checkpoint.get('meta') or {}).get(ADAPTED_FROM)
    if noted is None:
        return set()
    if not isinstance(noted, Mapping) or not all(
        isinstance(noted.get(k), str) for k in ('file', 'digest')
    ):
        raise ValueError(
            f"{name}: meta['{ADAPTED_FROM}'] must have the texts file and digest: {noted!r}."
        )
    path = base or noted['file']
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'{name} holds adapted weights alone, and their base {path} does not exist; name it '
            'with `--cfg-options adaptation.base=FILE`.'
        )
    given = weights_of(load_checkpoint(path))
    adapted = weights_of(checkpoint)
    rest = {
        key: given[key].to(value.dtype)
        for key, value in expected.items()
        if key in given and key not in adapted
    }
    if weights_digest(rest) != noted['digest']:
        raise ValueError(
            f'{name} was adapted from other weights ({noted["file"]}) than {path} has; name the '
            'right base with `--cfg-options adaptation.base=FILE`.'
        )
    checkpoint['state_dict'] = rest | adapted
    return set(rest)
