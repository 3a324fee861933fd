"""From scores of every place to a fixed number of boxes, in dense tensors.

MMDetection filters, sorts and suppresses lists whose length depends on the image. A graph of fixed
rank does the same with rows that are switched off by a score of zero: every level gives as many
rows as it may at most, and what is left out keeps its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .suppression import surviving_scores

__all__ = ['Selection', 'top_boxes', 'top_pairs']


@dataclass(frozen=True)
class Selection:
    """How a head chooses boxes, read from its ``test_cfg``.

    Attributes:
        score_thr: A phrase is looked at where it scores above this, before centerness.
        nms_pre: At most so many pairs of place and phrase are kept of a level.
        min_size: Boxes not wider and higher than this, in pixels, are dropped; negative keeps all.
        iou_threshold: Of two boxes that overlap more, the worse is dropped.
        class_agnostic: Let boxes of different phrases drop each other.
        max_per_img: At most so many boxes are kept of an image.
    """

    score_thr: float
    nms_pre: int
    min_size: float
    iou_threshold: float
    class_agnostic: bool
    max_per_img: int

    @classmethod
    def from_test_cfg(cls, test_cfg: Mapping[str, Any]) -> Selection:
        """Read a ``test_cfg`` of mmdet's dense heads.

        Raises:
            ValueError: A number that must be positive is not, or the suppression is of a kind that
                ONNX has no operator for.
        """
        for key in ('nms_pre', 'max_per_img'):
            if test_cfg.get(key, -1) < 1:
                raise ValueError(
                    f'test_cfg.{key}={test_cfg.get(key)}; a graph has room for a fixed number of '
                    'boxes, set it to 1 or more.'
                )
        nms = dict(test_cfg['nms'])
        kind, threshold = nms.pop('type', 'nms'), nms.pop('iou_threshold')
        class_agnostic = nms.pop('class_agnostic', False)
        if kind != 'nms' or nms:
            raise ValueError(
                f'test_cfg.nms={dict(test_cfg["nms"])} cannot be exported; expected '
                "dict(type='nms', iou_threshold=...), with class_agnostic or without."
            )
        return cls(
            score_thr=max(float(test_cfg.get('score_thr', 0.0)), 0.0),
            nms_pre=int(test_cfg['nms_pre']),
            min_size=float(test_cfg.get('min_bbox_size', -1)),
            iou_threshold=float(threshold),
            class_agnostic=bool(class_agnostic),
            max_per_img=int(test_cfg['max_per_img']),
        )


def top_pairs(scores: Tensor, threshold: float, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Best pairs of place and phrase of one level.

    Args:
        scores: (B, places, P) in [0, 1]; no place is allowed.
        threshold: Pairs that do not score above it are left out, in [0, 1].
        count: Number of rows.

    Returns:
        Scores (B, count), best first, then zeros; places and phrases (B, count), 0 in such rows.

    Example:
        >>> scores = torch.tensor([[[0.1, 0.9], [0.6, 0.2]]])
        >>> [part.tolist() for part in top_pairs(scores, threshold=0.5, count=3)]
        [[[0.8999999761581421, 0.6000000238418579, 0.0]], [[0, 1, 0]], [[1, 0, 0]]]
    """
    kept = torch.where(scores > threshold, scores, 0.0).flatten(1)
    # As many zeros more as rows are asked for, so that there are enough at any size of the image.
    best, index = functional.pad(kept, (0, count)).topk(count, dim=1)
    index = torch.where(best > 0, index, 0)
    phrases = scores.shape[2]
    return best, index // phrases, index % phrases


def top_boxes(
    boxes: Tensor, scores: Tensor, labels: Tensor, sizes: Tensor, how: Selection
) -> tuple[Tensor, Tensor, Tensor]:
    """Suppress what overlaps and keep the best.

    Args:
        boxes: (B, N, 4) with GLIP's inclusive corners, in pixels; clipped here.
        scores: (B, N) in [0, 1], 0 in rows that are left out.
        labels: int64 (B, N).
        sizes: int64 (B, 2), height and width of each image in pixels.
        how: What is kept.

    Returns:
        Half-open boxes (B, K, 4), scores (B, K) and labels (B, K), best first, with ``K`` of
        ``how.max_per_img``. Rows without a box have box 0, score 0 and label -1.
    """
    corners = (sizes.flip(1).repeat(1, 2) - 1)[:, None].to(boxes)
    boxes = boxes.clamp(min=0).minimum(corners)
    if how.min_size >= 0:
        large = (boxes[..., 2:] - boxes[..., :2] > how.min_size).all(dim=-1)
        scores = torch.where(large, scores, 0.0)
    apart = boxes
    if not how.class_agnostic:
        # Boxes of different phrases are moved apart, each phrase to a square of its own.
        side = sizes.amax(1)[:, None]
        apart = boxes + (labels * side)[..., None].to(boxes)
    limit = how.max_per_img
    scores = surviving_scores(apart, scores, how.iou_threshold, limit)
    scores, rows = functional.pad(scores, (0, limit)).topk(limit, dim=1)
    found = scores > 0
    rows = torch.where(found, rows, 0)
    labels = torch.where(found, labels.gather(1, rows), -1)
    boxes = boxes.gather(1, rows[..., None].expand(-1, -1, 4))
    boxes = torch.where(found[..., None], boxes + boxes.new_tensor([0.0, 0.0, 1.0, 1.0]), 0.0)
    return boxes, scores, labels
