"""Regions in, words out: which of some labels a given box shows.

A dense detector scores labels at places, each of which has a box of its own. A given box is read at
the places whose boxes overlap it best.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .overlap import overlaps

__all__ = ['RankedLabels', 'rank_by_score', 'scores_at_boxes']

_PLACES_AT_ONCE = 2**22
"""Pairs of a given box and a place that are compared at once: some 100 MB."""
_LEAST_DOUBT = 1e-6
"""Scores are kept this far from 0 and 1, so that their odds are finite."""


@dataclass(frozen=True)
class RankedLabels:
    """Labels of n given boxes, the likeliest first.

    Attributes:
        labels: The P labels that were asked for.
        order: int64 (n, P), index of the label at each rank.
        scores: (n, P) in [0, 1], score of the label at each rank by itself, falling.
        probabilities: (n, P), falling, each row sums to 1: how likely the box shows the label if it
            shows exactly one of them.
        overlap: (n,) in [0, 1], IoU of each given box with the best box that the detector has for
            it; where it is low, the ranks say little.
    """

    labels: tuple[str, ...]
    order: Tensor
    scores: Tensor
    probabilities: Tensor
    overlap: Tensor

    def best(self, box: int, count: int = 5) -> list[tuple[str, float]]:
        """Best labels of one of the given boxes, with their probabilities."""
        ranks = zip(self.order[box].tolist(), self.probabilities[box].tolist(), strict=True)
        return [(self.labels[label], value) for label, value in ranks][:count]

    def __len__(self) -> int:
        return len(self.order)


def scores_at_boxes(
    given: Tensor, boxes: Tensor, scores: Tensor, num_places: int = 9
) -> tuple[Tensor, Tensor]:
    """Score of each label at given boxes.

    Args:
        given: (n, 4) xyxy, half open; n may be 0.
        boxes: (N, 4), the box of each of N places in the same frame, N at least 1.
        scores: (N, P), score of each label at each place.
        num_places: A label's score at a given box is its best one at so many places, those whose
            boxes overlap the given box most, as far as they overlap it at all.

    Returns:
        Scores (n, P), 0 where no place overlaps, and the best overlap (n,).

    Raises:
        ValueError: A given box that is not finite or is empty, or fewer than one place.

    Example:
        >>> boxes = torch.tensor([[0., 0, 10, 10], [0., 0, 10, 8], [50., 50, 60, 60]])
        >>> scores = torch.tensor([[0.2, 0.6], [0.3, 0.1], [0.9, 0.9]])
        >>> scores_at_boxes(torch.tensor([[0., 0, 10, 10]]), boxes, scores, num_places=2)
        (tensor([[0.3000, 0.6000]]), tensor([1.]))
    """
    if num_places < 1:
        raise ValueError(f'num_places must be at least 1, got {num_places}.')
    if given.ndim != 2 or given.shape[1] != 4:
        raise ValueError(f'Expected boxes of shape (n, 4), got {tuple(given.shape)}.')
    bad = ~(given.isfinite().all(1) & (given[:, 2:] > given[:, :2]).all(1))
    if bad.any():
        row = int(bad.nonzero()[0])
        raise ValueError(
            f'Box {row} is {given[row].tolist()}; expected finite x1 < x2 and y1 < y2, in pixels '
            'of the original image.'
        )
    found, best = [], []
    for part in given.split(max(_PLACES_AT_ONCE // len(boxes), 1)):
        overlap, place = overlaps(part, boxes).topk(min(num_places, len(boxes)), dim=1)
        at_places = scores[place] * (overlap > 0)[..., None]
        found.append(at_places.amax(1))
        best.append(overlap[:, 0])
    return torch.cat(found), torch.cat(best)


def rank_by_score(scores: Tensor, overlap: Tensor, labels: tuple[str, ...]) -> RankedLabels:
    """Rank labels and turn their scores into probabilities.

    The scores ``p`` are probabilities of independent yes-or-no questions. Given that exactly one of
    them is yes, label ``i`` has the share ``p_i / (1 - p_i)`` of the sum over all labels.

    Args:
        scores: (n, P) in [0, 1].
        overlap: (n,), goes along.
        labels: The P labels.

    Returns:
        The labels of each box, the likeliest first; of equal ones the one asked for first.

    Example:
        >>> ranked = rank_by_score(torch.tensor([[0.5, 0.75]]), torch.ones(1), ('liver', 'spleen'))
        >>> ranked.best(0)
        [('spleen', 0.75), ('liver', 0.25)]
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranked = scores.gather(1, order)
    odds = ranked.double().clamp(_LEAST_DOUBT, 1 - _LEAST_DOUBT).logit()
    return RankedLabels(labels, order, ranked, odds.softmax(dim=1).to(scores.dtype), overlap)
