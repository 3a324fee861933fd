"""Size of the model of an entry, and the work for one image."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_medglip.engine.model_cost import freeze_still, idle_parameters, image_flops
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import MODELS

__all__ = ['EntryCost', 'entry_cost']

_SIZE = (256, 256)
_PHRASES = 8


class EntryCost(msgspec.Struct, frozen=True):
    """Numbers of parameters and operations.

    Attributes:
        parameters: All of them; one that two modules share counts once.
        trainable: Those that training changes.
        active: Trainable ones that an image of each modality passes through.
        flops: Floating-point operations for one image of the first modality, without the language
            model, asked for up to eight labels.
    """

    parameters: int
    trainable: int
    active: dict[str, int]
    flops: int


def entry_cost(config: Config, modalities: Sequence[str]) -> EntryCost:
    """Build the model of a config and count.

    Args:
        config: A config with ``model``; the input is ``image_size`` if it has that, else 256 x 256.
        modalities: Modality ids, at least one.

    Raises:
        ValueError: If the model takes no images of a modality.
    """
    init_default_scope(config.get('default_scope', 'mmdet_medglip'))
    model = MODELS.build(config.model)
    freeze_still(model, config)
    parameters = list(model.parameters())
    trainable = sum(item.numel() for item in parameters if item.requires_grad)
    ontology = Ontology.default()
    labels = ontology.labels_of(modalities[0])[:_PHRASES]
    phrases = [ontology.display_name(label) for label in labels]
    return EntryCost(
        parameters=sum(item.numel() for item in parameters),
        trainable=trainable,
        active={name: trainable - idle_parameters(model, name) for name in modalities},
        flops=image_flops(model, modalities[0], phrases, config.get('image_size', _SIZE)),
    )
