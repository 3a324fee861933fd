"""Answers to judge by risk and coverage: the best box of each phrase, and what lies above it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .boxes import pairwise_iou
from .image_detections import ImageDetections
from .label_tree import LabelTree

__all__ = ['back_off_candidates']

Candidates = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def back_off_candidates(
    image: ImageDetections, tree: LabelTree, *, place_iou: float = 0.6, truth_iou: float = 0.5
) -> Candidates:
    """Scores of the best box of each label that was asked for, as label, class and region.

    Args:
        image: Detections and truth whose labels are numbers of nodes; boxes of classes and regions
            are among the detections.
        tree: The nodes.
        place_iou: Least overlap of a class's box that is at the place of the label's.
        truth_iou: Least overlap with truth to be right.

    Returns:
        Scores [N, 3] and whether they are right [N, 3]: as the label itself, its class and its
        region. N is the number of labels that have a box. A class or region without a box at that
        place has score ``-inf``. A node is right where truth of it, or of a label below it, is.
        A box on ignored truth of its label, such as a crowd, is left out.
    """
    scores, right = [], []
    labels = [
        node for node in dict.fromkeys(image.asked.tolist()) if len(tree.ancestors[node]) == 2
    ]
    for label in labels:
        own = np.flatnonzero(image.labels == label)
        if not len(own):
            continue
        best = own[np.argmax(image.scores[own])]
        at_place = pairwise_iou(image.boxes[best : best + 1], image.boxes)[0] >= place_iou
        at_truth = pairwise_iou(image.boxes[best : best + 1], image.gt_boxes)[0] >= truth_iou
        if (at_truth & image.gt_ignore & (image.gt_labels == label)).any():
            continue
        nodes = (label, *tree.ancestors[label])
        found = [image.scores[at_place & (image.labels == node)] for node in nodes[1:]]
        scores.append([image.scores[best], *(f.max() if len(f) else -np.inf for f in found)])
        true = [int(gt) for gt in image.gt_labels[at_truth & ~image.gt_ignore]]
        right.append([any(node in (gt, *tree.ancestors[gt]) for gt in true) for node in nodes])
    return np.array(scores, np.float64).reshape(-1, 3), np.array(right, bool).reshape(-1, 3)
