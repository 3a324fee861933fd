"""Read what a detector answers by classes and regions above what it was asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .samples import Regions, read_array

__all__ = ['read_above', 'read_above_boxes']


def read_above(sample: Mapping[str, Any], index: Mapping[str, int]) -> tuple[Regions, list[int]]:
    """Answers by classes and regions above what was asked, and which of them were asked, too.

    Args:
        sample: May have ``pred_ancestors`` and ``asked_above``, as a detector with
            ``test_cfg.hierarchy`` gives them.
        index: Number of each node.

    Returns:
        Predictions in original pixels whose ``labels`` are numbers of nodes, none without the
        field; the numbers of the nodes that the detector was asked for beyond its prompt.

    Raises:
        ValueError: If the lengths differ or a node has no number.
    """
    found, nodes = read_above_boxes(sample)
    asked = list(sample.get('asked_above') or ())
    unknown = [node for node in (*asked, *nodes) if node not in index]
    if unknown:
        raise ValueError(
            f'Image {sample.get("img_id")!r}: asked_above and pred_ancestors must be of the '
            f"{len(index)} nodes that are the data set's labels and what lies above them, got "
            f'{unknown[:3]}.'
        )
    labels = np.array([index[node] for node in nodes], np.int64)
    return Regions(found.boxes, labels, found.scores, found.ignore), [index[a] for a in asked]


def read_above_boxes(sample: Mapping[str, Any]) -> tuple[Regions, tuple[str, ...]]:
    """Answers by classes and regions above what was asked.

    Args:
        sample: May have ``pred_ancestors``.

    Returns:
        Predictions in original pixels, none without the field; the id of the node of each, which
        ``labels`` number.

    Raises:
        ValueError: If the lengths differ.
    """
    found = sample.get('pred_ancestors') or {'bboxes': [], 'scores': [], 'nodes': []}
    boxes = read_array(found['bboxes'], np.float32).reshape(-1, 4)
    scores = read_array(found['scores'], np.float32)
    nodes = tuple(found['nodes'])
    if not len(boxes) == len(scores) == len(nodes):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: expected pred_ancestors with a box, a score and a '
            f'node each, got {len(boxes)}, {len(scores)}, {len(nodes)} of them.'
        )
    return Regions(boxes, np.arange(len(boxes)), scores, np.zeros(len(boxes), bool)), nodes
