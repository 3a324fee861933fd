"""Average precision in a hierarchy: a left kidney that is found is a kidney that is found.

As in the object detection track of the Open Images Challenge, truth and detections count for their
own node and for all nodes above it; then each node has its COCO AP, and a level the mean over its
nodes.

What is ours:

- **Which negatives count.** A node is judged on the images that were asked for it or for something
  below it. Truth of a label that was not asked, not even as its class or region, is *ignored* at
  the nodes above it: neither is it missed, nor are boxes on it false.
- **Doubles.** Of detections that come to say the same of one place (left and right kidney at one
  place, or a kidney and a left kidney), the best counts, since a detector that was asked for
  several names of a thing should not be punished for answering all of them. Truth that is the same
  box under several labels counts once. ``double_iou=None`` keeps all detections, as Open Images
  does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmdet_medglip.ontology import Level

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .boxes import pairwise_iou
from .label_tree import LabelTree

__all__ = ['HierarchicalAveragePrecision', 'expand_to_ancestors', 'hierarchical_average_precision']


@dataclass(frozen=True)
class HierarchicalAveragePrecision:
    """AP of every node, and means per level.

    Args:
        nodes: AP of the K nodes of the tree, NaN for those without truth.
        levels: Level of each node.
    """

    nodes: AveragePrecision
    levels: tuple[Level, ...]

    def of_level(self, level: Level) -> AveragePrecision:
        """AP of the nodes of one level; its ``.ap`` and ``.ap50`` are the level's means."""
        own = np.array([one == level for one in self.levels], dtype=bool)
        return AveragePrecision(
            self.nodes.ap_per_label[own],
            self.nodes.ap50_per_label[own],
            self.nodes.num_truth[own],
        )


def hierarchical_average_precision(
    images: Sequence[ImageDetections],
    tree: LabelTree,
    *,
    double_iou: float | None = 0.6,
    max_detections: int = 100,
    backend: str = 'pycocotools',
) -> HierarchicalAveragePrecision:
    """AP of every node of a tree, with truth and detections expanded to all their ancestors.

    Args:
        images: Detections and truth whose labels, and ``asked``, are nodes of any level; none gives
            NaN everywhere.
        tree: The K nodes.
        double_iou: Detections of one node that overlap more are one; None keeps all.
        max_detections: Best-scored detections kept per image and node.
        backend: See :func:`average_precision`.

    Returns:
        AP per node.

    Raises:
        ValueError: A label that is no node of the tree, or as in :func:`average_precision`.
        ImportError: The backend is not installed.
    """
    expanded = [expand_to_ancestors(image, tree, double_iou) for image in images]
    nodes = average_precision(expanded, len(tree), max_detections=max_detections, backend=backend)
    return HierarchicalAveragePrecision(nodes, tree.levels)


def expand_to_ancestors(
    image: ImageDetections, tree: LabelTree, double_iou: float | None = 0.6
) -> ImageDetections:
    """Let detections and truth of an image count for all nodes above them, too.

    Args:
        image: Its labels and ``asked`` are nodes of the tree. A detection of a node that was not
            asked and does not follow from what was asked is left out by the AP.
        tree: The nodes.
        double_iou: Detections of one node that overlap more are one; None keeps all.

    Returns:
        The image with more detections and truth, asked for all nodes that follow.

    Raises:
        ValueError: A label that is no node of the tree.
    """
    for name in ('labels', 'gt_labels', 'asked'):
        labels = getattr(image, name)
        if len(labels) and not (labels.min() >= 0 and labels.max() < len(tree)):
            raise ValueError(
                f'`{name}` must be nodes in [0, {len(tree)}), got {labels.min()} to {labels.max()}.'
            )
    asked = set(image.asked.tolist())
    judged = asked.union(*(tree.ancestors[node] for node in asked))
    rows, labels = _with_ancestors(image.labels, tree)
    boxes, scores = image.boxes[rows], image.scores[rows]
    if double_iou is not None:
        kept = _without_doubles(boxes, scores, labels, double_iou)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
    gt_rows, gt_labels = _with_ancestors(image.gt_labels, tree)
    ignore = image.gt_ignore[gt_rows] | ~_follows(image.gt_labels[gt_rows], gt_labels, asked, tree)
    gt_boxes = image.gt_boxes[gt_rows]
    single = _distinct(gt_boxes, gt_labels, ignore)
    return ImageDetections(
        boxes=boxes,
        scores=scores,
        labels=labels,
        gt_boxes=gt_boxes[single],
        gt_labels=gt_labels[single],
        gt_ignore=ignore[single],
        asked=np.array(sorted(judged), np.int64),
    )


def _with_ancestors(
    labels: npt.NDArray[np.int64], tree: LabelTree
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and node of everything a list of labels counts for."""
    pairs = [
        (row, node)
        for row, label in enumerate(labels.tolist())
        for node in (label, *tree.ancestors[label])
    ]
    rows, nodes = np.array(pairs, np.int64).reshape(-1, 2).T
    return rows, nodes


def _follows(
    labels: npt.NDArray[np.int64], nodes: npt.NDArray[np.int64], asked: set[int], tree: LabelTree
) -> npt.NDArray[np.bool_]:
    """Whether a box of a label was asked for as something between the label and the node."""
    found = []
    for label, node in zip(labels.tolist(), nodes.tolist(), strict=True):
        line = (label, *tree.ancestors[label])
        found.append(any(between in asked for between in line[: line.index(node) + 1]))
    return np.array(found, bool)


def _without_doubles(
    boxes: npt.NDArray, scores: npt.NDArray, labels: npt.NDArray, threshold: float
) -> npt.NDArray[np.int64]:
    """Rows that stay, in order; of boxes of one label that overlap more, the better."""
    kept: list[int] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(-scores[rows], kind='stable')]
        near = pairwise_iou(boxes[rows], boxes[rows]) > threshold
        stays = np.ones(len(rows), bool)
        for i in range(len(rows)):
            if stays[i]:
                stays[i + 1 :] &= ~near[i, i + 1 :]
        kept += rows[stays].tolist()
    return np.array(sorted(kept), np.int64)


def _distinct(
    boxes: npt.NDArray, labels: npt.NDArray, ignore: npt.NDArray
) -> npt.NDArray[np.int64]:
    """First row of every box of a label; one that counts goes before one that is ignored."""
    order = np.argsort(ignore, kind='stable')
    keys = np.column_stack([labels[order], boxes[order]])
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.sort(order[first])
