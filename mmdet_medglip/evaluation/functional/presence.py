"""Presence: does the detector know whether a phrase is on the image, and how sure it may be?

A *pair* is one phrase asked of one image: positive if the image has the phrase, negative if not.
Probabilities are those of presence.

- **AUROC**: probability that a positive pair is rated above a negative one, ties counting half: the
  Mann-Whitney statistic over the product of the numbers of pairs (Hanley and McNeil 1982).
- **ECE**: bins of equal width over [0, 1]; mean over pairs of the distance between the mean
  probability of their bin and its share of positives (Naeini et al. 2015, for the positive class).
- **Brier**: mean squared distance between probability and truth (Brier 1950).
- **N-acc**: share of images without any target for which no box is answered (Liu et al., GRES/GREC,
  gRefCOCO).

Without what a figure is about it is NaN.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

__all__ = ['auroc', 'brier_score', 'expected_calibration_error', 'no_target_accuracy']


def auroc(scores: npt.ArrayLike, present: npt.ArrayLike) -> float:
    """Area under the ROC curve.

    Args:
        scores: [N] of pairs, higher is surer of presence; any scale.
        present: bool [N].

    Returns:
        A value in [0, 1]; NaN unless there are positive and negative pairs.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> auroc([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
        0.875
    """
    scores, present = _pairs(scores, present)
    positives, negatives = int(present.sum()), int((~present).sum())
    if not positives or not negatives:
        return float('nan')
    above = rankdata(scores)[present].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def expected_calibration_error(
    probabilities: npt.ArrayLike, present: npt.ArrayLike, bins: int = 10
) -> float:
    """Mean distance between what is said and how often it is true.

    Args:
        probabilities: [N] in [0, 1].
        present: bool [N].
        bins: Number of bins of equal width; a probability on a border belongs to the upper bin,
            1 to the last.

    Returns:
        A value in [0, 1]; NaN without pairs.

    Raises:
        ValueError: If the shapes differ, a probability is outside [0, 1] or ``bins`` is below 1.

    Example:
        >>> expected_calibration_error([0.75, 0.75, 0.25, 0.25], [True, False, False, False])
        0.25
    """
    probabilities, present = _probabilities(probabilities, present)
    if bins < 1:
        raise ValueError(f'Expected `bins` of at least 1, got {bins}.')
    if not len(present):
        return float('nan')
    # Rounded, so that 0.3 is the border of the fourth of ten bins and not just below it.
    of = np.minimum(np.floor((probabilities * bins).round(9)).astype(np.int64), bins - 1)
    surplus = np.bincount(of, weights=probabilities - present, minlength=bins)
    return float(np.abs(surplus).sum() / len(present))


def brier_score(probabilities: npt.ArrayLike, present: npt.ArrayLike) -> float:
    """Mean squared distance between probability and truth.

    Args:
        probabilities: [N] in [0, 1].
        present: bool [N].

    Returns:
        A value in [0, 1], 0 is best; NaN without pairs.

    Raises:
        ValueError: If the shapes differ or a probability is outside [0, 1].

    Example:
        >>> brier_score([1.0, 0.5], [True, False])
        0.125
    """
    probabilities, present = _probabilities(probabilities, present)
    return float(np.square(probabilities - present).mean()) if len(present) else float('nan')


def no_target_accuracy(num_boxes: npt.ArrayLike, has_target: npt.ArrayLike) -> float:
    """N-acc: share of images without target that get no box.

    Args:
        num_boxes: [I] boxes that are answered for each image.
        has_target: bool [I], whether the image has any of the phrases it was asked for.

    Returns:
        A share in [0, 1]; NaN if every image has a target.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> no_target_accuracy([0, 2, 0], [False, False, True])
        0.5
    """
    boxes, target = np.asarray(num_boxes), np.asarray(has_target, bool)
    if boxes.shape != target.shape:
        raise ValueError(f'Expected one number of boxes per image, got {boxes.shape}.')
    return float((boxes[~target] == 0).mean()) if (~target).any() else float('nan')


def _pairs(
    values: npt.ArrayLike, present: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values, present = np.asarray(values, np.float64), np.asarray(present, bool)
    if values.ndim != 1 or values.shape != present.shape:
        raise ValueError(f'Expected [N] and [N], got {list(values.shape)}, {list(present.shape)}.')
    return values, present


def _probabilities(
    values: npt.ArrayLike, present: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values, present = _pairs(values, present)
    if len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError('Expected probabilities in [0, 1]; calibrate or clip other scores first.')
    return values, present
