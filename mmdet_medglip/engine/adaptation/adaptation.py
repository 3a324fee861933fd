"""The contract of a way to adapt a detector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import nn

__all__ = ['Adaptation']


class Adaptation(ABC):
    """What of a detector is trained on a new task.

    To add a way, implement :meth:`apply`, register the class in ``ADAPTATIONS``, and name it in
    ``adaptation = dict(type=...)``. Weights that it adds must keep the names of the base's in the
    state dict, so that a checkpoint of the base loads.

    Args:
        trained: Regular expressions of parameter names that train too, see
            :func:`~.freezing.unfreeze`; for example an expert of a new modality.
        save: What a checkpoint holds: ``'all'`` weights, or the ``'adapted'`` ones alone with the
            identity of the base, see :mod:`.base_weights`.
        base: File of the base that a checkpoint of adapted weights is completed with; None takes
            the one that it names.

    Raises:
        ValueError: ``save`` is another word.
    """

    def __init__(
        self, trained: Sequence[str] = (), save: str = 'all', base: str | None = None
    ) -> None:
        if save not in ('all', 'adapted'):
            raise ValueError(f"adaptation.save must be 'all' or 'adapted', got {save!r}.")
        self.trained = tuple(trained)
        self.save = save
        self.base = base

    @abstractmethod
    def apply(self, model: nn.Module, new_phrases: Callable[[], Sequence[str]]) -> None:
        """Add what the way needs, and freeze the rest; the model answers as before.

        Args:
            model: A detector, changed in place.
            new_phrases: Gives the phrases of the new task, for a way that needs them.

        Raises:
            ValueError: The model lacks what the way needs.
        """

    def reset(self, model: nn.Module) -> None:  # noqa: B027, by default nothing was added
        """Bring added weights back to where the model answers as the base does.

        Called after mmengine initialised the model by its ``init_cfg``, which knows no additions.
        """

    def merge(self, model: nn.Module) -> None:  # noqa: B027, by default nothing was added
        """Fold added layers into those of the base; the state dict is then one of the base."""
