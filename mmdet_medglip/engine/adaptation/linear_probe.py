"""Train the last layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from mmdet_medglip.registry import ADAPTATIONS

from .adaptation import Adaptation
from .freezing import train_only

__all__ = ['LinearProbe']


@ADAPTATIONS.register_module()
class LinearProbe(Adaptation):
    r"""Train the head's last layers alone.

    By default all of ``bbox_head``, which in a MedGLIP has linear layers only: the projection of
    tokens that places are aligned with (``text_projection``, ``log_scale``, ``text_bias``,
    ``prior_bias``), the 1 x 1 convolutions of boxes and centerness, and a scale per level. The
    head of another detector may hold a tower too; name its last layers then, such as
    ``[r'bbox_head\.retina_(cls|reg)']``.

    Args:
        trained: Regular expressions of parameter names, see :func:`~.freezing.unfreeze`.
        save: As in :class:`Adaptation`.
        base: As in :class:`Adaptation`.
    """

    def __init__(self, trained: Sequence[str] = ('bbox_head',), **kwargs: Any) -> None:
        super().__init__(trained, **kwargs)

    def apply(self, model: nn.Module, new_phrases: Callable[[], Sequence[str]]) -> None:
        """Freeze all but the last layers.

        Raises:
            ValueError: A pattern matches no parameter.
        """
        train_only(model, self.trained)
