"""AP50 of many selections of the same images, which are matched once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .average_precision import ImageDetections, evaluate_images

__all__ = ['ResampledAP50']

_RECALLS = np.linspace(0, 1, 101)


class _Matches(NamedTuple):
    """Detections of one label on one image, best first.

    Attributes:
        scores: [N].
        true: [N] bool, matched to a truth box at IoU 0.5.
        counts: [N] bool, false for detections inside a crowd.
        num_truth: Truth boxes that count.
    """

    scores: npt.NDArray[np.float64]
    true: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    num_truth: int


class ResampledAP50:
    """AP50 per label of any images of a set, with repetitions, as a bootstrap asks for it.

    How boxes and truth of an image match does not depend on other images, so the COCO evaluator
    matches once, and a selection only sorts by score. The figures are those of
    :func:`average_precision`.

    Args:
        images: The set.
        num_labels: K, the number of labels.
        max_detections: Best-scored detections kept per image and label.

    Raises:
        ValueError: If a label is out of range or a score is not finite.
    """

    def __init__(
        self, images: Sequence[ImageDetections], num_labels: int, max_detections: int = 100
    ) -> None:
        self._matches: list[list[_Matches | None]] = [
            [None] * len(images) for _ in range(num_labels)
        ]
        for item in evaluate_images(images, num_labels, max_detections):
            if item is not None:
                self._matches[item['category_id']][item['image_id']] = _Matches(
                    np.array(item['dtScores'], np.float64),
                    np.array(item['dtMatches'])[0] > 0,
                    ~np.array(item['dtIgnore'])[0].astype(bool),
                    int((np.array(item['gtIgnore']) == 0).sum()),
                )

    def __call__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """AP50 of each label over some images.

        Args:
            rows: Indices of images, with repetitions.

        Returns:
            [K], NaN where a label has no truth there.
        """
        return np.array([self._of_label(of_images, rows) for of_images in self._matches])

    @staticmethod
    def _of_label(of_images: Sequence[_Matches | None], rows: npt.NDArray[np.int64]) -> float:
        found = [m for m in (of_images[row] for row in rows) if m is not None]
        num_truth = sum(m.num_truth for m in found)
        if not num_truth:
            return float('nan')
        order = np.argsort(-np.concatenate([m.scores for m in found]), kind='stable')
        true, counts = (
            np.concatenate(part)[order]
            for part in ([m.true for m in found], [m.counts for m in found])
        )
        hits, misses = np.cumsum(true & counts), np.cumsum(~true & counts)
        precision = hits / np.maximum(hits + misses, np.finfo(np.float64).eps)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(hits / num_truth, _RECALLS, side='left')
        return float(np.append(envelope, 0.0)[np.minimum(at, len(envelope))].mean())
