"""What an ablation needs of a model: that it answers everything under a condition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

__all__ = ['AnswerSource']


class AnswerSource(Protocol):
    """A model that is trained, or only run, with regions of each kind.

    To ablate another model, write a class with these two methods; conditions are the names of
    region sources (:data:`~mmdet_medglip.downstream.ablation.region_source.SOURCES`).
    """

    def parts(self, condition: str, seed: int) -> Mapping[str, str]:
        """Return a digest of each thing that the answers depend on, by name."""

    def answer(self, condition: str, seed: int, folder: Path) -> Path:
        """Answer all questions, or write all reports.

        Args:
            condition: Where regions come from.
            seed: Of training, or of sampling.
            folder: To work in; what an interrupted call left there may be used.

        Returns:
            The file of answers, inside the folder, see :mod:`.scoring`.
        """
