"""Choices that measures depend on."""

from dataclasses import dataclass

__all__ = ['Settings']


@dataclass(frozen=True)
class Settings:
    """Choices, by their defaults those of docs/evaluation.md.

    Attributes:
        backend: COCO evaluator, 'pycocotools' or 'faster_coco_eval'.
        froc_iou: Least IoU of a box that finds truth, in (0, 1], for FROC.
        iou: Least IoU of a hit of a phrase, in (0, 1].
        score: Boxes from this score on are answered, for sets of boxes and N-acc.
        topk: Numbers of boxes that Recall@k looks at.
        bins: Bins of the ECE.
    """

    backend: str = 'faster_coco_eval'
    froc_iou: float = 0.1
    iou: float = 0.5
    score: float = 0.3
    topk: tuple[int, ...] = (1, 5, 10)
    bins: int = 10
