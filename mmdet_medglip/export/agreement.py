"""How far two answers to the same image are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detections import Detections

__all__ = ['Agreement', 'compare_detections']


@dataclass(frozen=True)
class Agreement:
    """Differences of two answers; ``+`` joins those of several images.

    Attributes:
        pairs: Boxes that both answers have.
        unpaired: Boxes that one of them has alone.
        score: Largest difference of the scores of a pair; 0 without pairs.
        box: Largest difference of a side of the boxes of a pair, in pixels; 0 without pairs.
    """

    pairs: int = 0
    unpaired: int = 0
    score: float = 0.0
    box: float = 0.0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.pairs + other.pairs,
            self.unpaired + other.unpaired,
            max(self.score, other.score),
            max(self.box, other.box),
        )


def compare_detections(found: Detections, expected: Detections, reach: float = 1.0) -> Agreement:
    """Pair the boxes of two answers and measure how they differ.

    The best boxes choose first, each the nearest of its label, so that two boxes of all but equal
    scores may stand in another order.

    Args:
        found: One answer; may be empty.
        expected: The other; may be empty.
        reach: A pair's sides differ by at most this, in pixels.

    Returns:
        The differences.

    Example:
        >>> label, phrase = np.array([0]), ('liver',)
        >>> one = Detections(np.array([[0.0, 0.0, 9.0, 9.0]]), np.array([0.5]), label, phrase)
        >>> two = Detections(np.array([[0.0, 0.0, 9.0, 8.5]]), np.array([0.75]), label, phrase)
        >>> compare_detections(one, two)
        Agreement(pairs=1, unpaired=0, score=0.25, box=0.5)
    """
    free = np.ones(len(found), bool)
    scores, sides = [], []
    for box, score, label in zip(expected.boxes, expected.scores, expected.labels, strict=True):
        sides_apart = np.abs(found.boxes - box).max(axis=1)
        apart = np.where(free & (found.labels == label), sides_apart, np.inf)
        if apart.min(initial=np.inf) > reach:
            continue
        nearest = int(apart.argmin())
        free[nearest] = False
        sides.append(float(apart[nearest]))
        scores.append(float(abs(found.scores[nearest] - score)))
    return Agreement(
        pairs=len(sides),
        unpaired=len(found) + len(expected) - 2 * len(sides),
        score=max(scores, default=0.0),
        box=max(sides, default=0.0),
    )
