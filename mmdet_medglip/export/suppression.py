"""Non-maximum suppression as one operator: for PyTorch, for tracing and for ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import nms

__all__ = ['onnx_translations', 'surviving_scores']


@torch.library.custom_op('mmdet_medglip::surviving_scores', mutates_args=())
def surviving_scores(boxes: Tensor, scores: Tensor, iou_threshold: float, limit: int) -> Tensor:
    """Scores after non-maximum suppression; what is dropped scores zero.

    Its result has the shape of ``scores``, whatever is dropped, so that it can be traced.

    Args:
        boxes: (B, N, 4), ``x1, y1, x2, y2``.
        scores: (B, N), at least 0; rows that score 0 are passed over.
        iou_threshold: Of two boxes that overlap more, the worse is dropped.
        limit: At most so many are kept of an image.

    Returns:
        (B, N).

    Example:
        >>> boxes = torch.tensor([[[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]]])
        >>> surviving_scores(boxes, torch.tensor([[0.5, 0.75]]), 0.5, 10)
        tensor([[0.0000, 0.7500]])
    """
    kept = torch.zeros_like(scores)
    for row, of_image, score in zip(kept, boxes, scores, strict=True):
        rows = score.nonzero().flatten()
        rows = rows[nms(of_image[rows], score[rows], iou_threshold)[:limit]]
        row[rows] = score[rows]
    return kept


@surviving_scores.register_fake
def _shape(boxes: Tensor, scores: Tensor, iou_threshold: float, limit: int) -> Tensor:
    return torch.empty_like(scores)


def onnx_translations() -> dict[Any, Callable[..., Any]]:
    """What ``torch.onnx.export`` writes for the operator: ``custom_translation_table``."""
    from onnxscript import opset18

    op: Any = opset18  # Its types do not know the constants that it makes.

    def translate(boxes: Any, scores: Any, iou_threshold: float, limit: int) -> Any:
        kept = op.NonMaxSuppression(
            boxes,
            op.Unsqueeze(scores, op.Constant(value_ints=[1])),
            op.Constant(value_ints=[limit]),
            op.Constant(value_floats=[iou_threshold]),
            op.Constant(value_floats=[0.0]),
        )
        # Its rows are (image, class, box), and there is one class.
        places = op.Gather(kept, op.Constant(value_ints=[0, 2]), axis=1)
        zeros = op.Expand(op.Constant(value_float=0.0), op.Shape(scores))
        return op.ScatterND(zeros, places, op.GatherND(scores, places))

    return {torch.ops.mmdet_medglip.surviving_scores.default: translate}
