"""Train offsets of the new phrases' token features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from mmdet_medglip.models.language_models import TextEncoder
from mmdet_medglip.registry import ADAPTATIONS

from .adaptation import Adaptation
from .freezing import train_only, unfreeze

__all__ = ['PromptTuning']


@ADAPTATIONS.register_module()
class PromptTuning(Adaptation):
    """Train an offset of each token feature of the new phrases, and nothing else.

    Prompts without these phrases are answered as before, bit by bit; see
    :class:`~mmdet_medglip.models.language_models.PhraseOffsets`.

    Args:
        phrases: Phrases to tune, as prompts ask them; None takes the display names of the labels
            of the (first) training data set.
        trained: As in :class:`Adaptation`.
        save: As in :class:`Adaptation`.
        base: As in :class:`Adaptation`.
    """

    def __init__(self, phrases: Sequence[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phrases = phrases

    def apply(self, model: nn.Module, new_phrases: Callable[[], Sequence[str]]) -> None:
        """Give the phrases an offset of zero.

        Raises:
            ValueError: The model has no ``TextEncoder``, or a phrase cannot be asked.
        """
        encoder = getattr(model, 'language_model', None)
        if not isinstance(encoder, TextEncoder):
            raise ValueError(
                f'PromptTuning needs a model whose language_model is a TextEncoder, got '
                f'{type(model).__name__} with {type(encoder).__name__}.'
            )
        encoder.tune(new_phrases() if self.phrases is None else self.phrases)
        train_only(model, ())
        encoder.phrase_offsets.requires_grad_(True)
        unfreeze(model, self.trained)
