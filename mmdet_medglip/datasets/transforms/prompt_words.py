"""What the labels of one view are called."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmdet_medglip.datasets.vocabulary import Vocabulary
from mmdet_medglip.text import WORDINGS, Wording, say
from mmdet_medglip.text.mirrored import mirror

from .random_sided_flip import other_side

__all__ = ['Item', 'PromptWords', 'check_wording']

Item = int | str
"""Index of a label, or id of a class or region."""


def check_wording(wording: Any, single: bool) -> None:
    """Check the argument of :class:`PromptWords`.

    Args:
        wording: The argument.
        single: Whether it must be one wording.

    Raises:
        ValueError: It is neither a wording nor, unless ``single``, weights of wordings.
    """
    if isinstance(wording, str) and wording in WORDINGS:
        return
    if single or not isinstance(wording, Mapping):
        more = 'in a test prompt' if single else 'or a dict of their weights'
        raise ValueError(f'wording must be one of {WORDINGS} {more}, got {wording!r}.')
    unknown = sorted(set(wording).difference(WORDINGS))
    numbers = all(isinstance(w, int | float) and 0 <= w < math.inf for w in wording.values())
    if unknown or not numbers or not sum(wording.values()) > 0:
        raise ValueError(
            f'wording must give weights >= 0, one above 0, to some of {WORDINGS}, got {wording!r}.'
        )


class PromptWords:
    """Phrases of labels and groups, no two alike; a second look gives the same.

    Args:
        vocabulary: The labels.
        wording: How they are said, or weights of several ways.
        draws: Draw among the words that a wording leaves open, by NumPy's global generator;
            otherwise the first are taken.
        mirrored: The image was mirrored, and its labels with it: words that place a label without
            a side, such as 'organ in the right upper abdomen', are those of the other side.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        wording: str | Mapping[str, float],
        *,
        draws: bool,
        mirrored: bool = False,
    ) -> None:
        self._vocabulary = vocabulary
        self._weights = {wording: 1.0} if isinstance(wording, str) else dict(wording)
        self._choose = np.random.randint if draws else None
        self._mirrored = mirrored
        self._said: dict[Item, str] = {}

    def node(self, item: Item) -> str:
        """Return the id of a label or group."""
        return item if isinstance(item, str) else self._vocabulary.ids[item]

    def __getitem__(self, item: Item) -> str:
        """Return the phrase of a label or group."""
        if item not in self._said:
            self._said[item] = self._say(item)
        return self._said[item]

    def _say(self, item: Item) -> str:
        ontology, node = self._vocabulary.ontology, self.node(item)
        name = (
            self._vocabulary.names[item] if isinstance(item, int) else ontology.display_name(node)
        )
        wording = self._draw()
        if wording == 'name':
            return name
        words = say(ontology, node, wording, self._choose)
        if words is not None and self._mirrored and other_side(ontology, node) == node:
            other = mirror(words)
            words = None if other is None else other.text
        return name if words is None or words in self._said.values() else words

    def _draw(self) -> Wording:
        names = list(self._weights)
        if len(names) == 1:
            return names[0]  # type: ignore[return-value]
        weights = np.array(list(self._weights.values()), dtype=float)
        return names[np.random.choice(len(names), p=weights / weights.sum())]  # type: ignore[return-value]
