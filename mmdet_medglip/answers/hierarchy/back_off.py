"""Say the finest that is sure enough: label, else class, else region, else nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.structures import InstanceData

from .confidence import Combination, check_combination, confidences
from .family import LEVELS, Family
from .suppression import best_first, drop_doubles

__all__ = ['BackOff', 'back_off']


@dataclass(frozen=True)
class BackOff:
    """When an answer is not sure enough, and how sure the one above it is.

    Args:
        threshold: Least score in [0, 1] of an answer: one number, or one for each of ``'label'``,
            ``'class'`` and ``'region'``. For words that the ontology does not know, that of a
            label holds.
        combine: What the scores of the children say about a parent that was not asked for:
            ``'max'`` or ``'noisy_or'``.

    Raises:
        ValueError: A number outside [0, 1], a level too many or missing, or an unknown way to
            combine.
    """

    threshold: float | Mapping[str, float]
    combine: Combination = 'max'

    def __post_init__(self) -> None:
        check_combination(self.combine)
        given: Any = self.threshold
        if isinstance(given, Mapping) and set(given) != set(LEVELS):
            raise ValueError(
                f'back_off.threshold must be a number or have a number for each of {LEVELS}, got '
                f'{dict(given)}.'
            )
        for value in given.values() if isinstance(given, Mapping) else (given,):
            if not (isinstance(value, int | float) and 0 <= value <= 1):
                raise ValueError(f'back_off.threshold must be in [0, 1], got {value!r}.')

    def of_depth(self, depth: int) -> float:
        """Threshold of a level, by its place in ``LEVELS``."""
        if isinstance(self.threshold, Mapping):
            return self.threshold[LEVELS[depth]]
        return self.threshold


def back_off(
    found: InstanceData, family: Family, rule: BackOff, iou_threshold: float = 0.6
) -> InstanceData:
    """Answer each box at the finest level that is sure enough.

    A box that scores below the threshold of its level is answered by its parent, with the
    confidence in the parent at that place, and so on up to the region; a box that no level is sure
    of leaves. A parent that was asked for answers by its own box there, which has its own score;
    where it has none, it says nothing there, and the next level is asked. The confidence in a
    parent that was not asked for is what its children combine to.

    Args:
        found: ``bboxes`` (n, 4), ``scores`` (n,) in [0, 1], and ``labels`` (n,), entries of the
            family; n may be 0.
        family: The phrases and what lies above them.
        rule: Thresholds, and how children combine.
        iou_threshold: Least overlap of boxes at one place.

    Returns:
        Boxes, best first, each at least at the threshold of the level of its label; of boxes that
        back off to one node at one place, the one that scored best before stays.
    """
    found = best_first(found, family)
    confidence = confidences(found, family, iou_threshold, rule.combine).tolist()
    least = [rule.of_depth(depth) for depth in family.depth.tolist()]
    rows, labels, scores = [], [], []
    for row, (label, score) in enumerate(
        zip(found.labels.tolist(), found.scores.tolist(), strict=True)
    ):
        answer = _answer(label, score, confidence[row], family, least)
        if answer is not None:
            rows.append(row)
            labels.append(answer[0])
            scores.append(answer[1])
    found = found[torch.tensor(rows, dtype=torch.long, device=found.labels.device)]
    found.labels = found.labels.new_tensor(labels)
    found.scores = found.scores.new_tensor(scores)
    return best_first(drop_doubles(found, family, iou_threshold), family)


def _answer(
    label: int, score: float, confidence: list[float], family: Family, least: list[float]
) -> tuple[int, float] | None:
    """Label and score that a box is answered with; None if another box answers, or none does."""
    if score >= least[label]:
        return label, score
    at = family.parent[label]
    while at is not None:
        has_box = at < family.num_asked and confidence[at] > 0
        if has_box:
            return None  # The parent's own box is there, and answers or backs off by itself.
        if at >= family.num_asked and confidence[at] >= least[at]:
            return at, confidence[at]
        at = family.parent[at]
    return None
