"""Read the answers of detectors without words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .samples import Regions, read_boxes

__all__ = ['read_closed_set_prediction']


def read_closed_set_prediction(
    sample: Mapping[str, Any], asked: Sequence[int], num_labels: int
) -> Regions:
    """Predictions of a detector without words, whose labels are those of the data set.

    Args:
        sample: With ``pred_instances``.
        asked: Distinct labels that the image is judged by.
        num_labels: Number of labels of the data set.

    Returns:
        Predictions in original pixels of the labels in ``asked``; ``labels`` are positions in it.

    Raises:
        ValueError: If predictions are missing, of unequal lengths or name another label.
    """
    found = read_boxes(sample, num_labels, 'labels')
    position = np.full(num_labels, -1, np.int64)
    position[list(asked)] = np.arange(len(asked))
    kept = position[found.labels] >= 0
    return Regions(
        found.boxes[kept], position[found.labels[kept]], found.scores[kept], found.ignore[kept]
    )
