"""Answers at one level of the hierarchy."""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData

from mmdet_medglip.ontology.entries import Level

from .confidence import Combination, confidences
from .family import Family
from .suppression import best_first, drop_doubles

__all__ = ['answer_at']


def answer_at(
    found: InstanceData,
    family: Family,
    level: Level,
    iou_threshold: float = 0.6,
    combine: Combination = 'max',
) -> InstanceData:
    """Answer with labels, classes or regions alone.

    A box of a finer phrase becomes one of what lies above it at that level. Its score is what the
    scores of its level's boxes and of the finer ones at its place combine to: the own score of the
    level's node, or what those below it combine to, whichever is larger. Of boxes that then say
    the same of one place, the best stays. A box of a coarser phrase leaves, since it says nothing
    at that level; one of words that the ontology does not know stays.

    Args:
        found: ``bboxes`` (n, 4), ``scores`` (n,) in [0, 1], and ``labels`` (n,), entries of the
            family; n may be 0.
        family: The phrases and what lies above them.
        level: ``'label'``, ``'class'`` or ``'region'``.
        iou_threshold: Overlap from which on boxes are at one place.
        combine: ``'max'`` or ``'noisy_or'``, see ``COMBINATIONS``.

    Returns:
        Boxes of that level, best first.

    Raises:
        ValueError: An unknown level or way to combine.
    """
    found = best_first(found, family)
    target = family.at_level(level)
    known = torch.tensor([node is not None for node in family.nodes])
    score = confidences(found, family, iou_threshold, combine, asked_alone=False)
    labels = found.labels.tolist()
    stays = [row for row, label in enumerate(labels) if target[label] is not None]
    rows = torch.tensor(stays, dtype=torch.long, device=found.labels.device)
    found, score = found[rows], score[rows]
    own = found.labels
    found.labels = torch.tensor([target[labels[row]] for row in stays], dtype=torch.long).to(own)
    node = family.representative.to(own.device)[found.labels]
    combined = score.gather(1, node[:, None]).squeeze(1)
    found.scores = torch.where(known.to(own.device)[own], combined, found.scores)
    return best_first(drop_doubles(found, family, iou_threshold), family)
