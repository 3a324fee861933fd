"""Link boxes of slices to 3-D boxes.

Two boxes of one label on slices at most ``max_gap + 1`` apart may be one object if, laid on each
other, they share enough of the smaller one: an object may grow fast from slice to slice, which an
IoU would take for an end. Pairs are taken one after the other: nearer slices first, then
larger IoU; a pair is one object unless one of the two already has a neighbour on that side. So a
box has at most one neighbour below and one above, an object is a chain, and turning the volume
upside down or shuffling the boxes gives the same objects (but for exact ties). The 3-D box is the
smallest one around the chain, which is how a 3-D truth box is made of the slices of a mask.

Compare: the detection toolkit of Jaeger et al. 2018 (arXiv 1811.08661, ``nms_2to3D``) gathers every
box of any slice that overlaps the surest box, and cuts where a slice has none: an object that leans
through the slices is cut short, as each slice is compared with the core. nnDetection's weighted box
clustering (Baumgartner et al. 2021) averages 3-D boxes of one object, so that a cluster of slice
boxes would come out smaller than the object; its idea that a missing answer lowers the score is
``score='mean'``. MONAI has no linking.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from mmdet_medglip.structures.box_overlap import pairwise_iou, pairwise_iou_3d, pairwise_share

from .link_settings import LinkSettings
from .slice_boxes import SliceBoxes
from .volume_boxes import VolumeBoxes

__all__ = ['enclosing_volume_box', 'link_boxes']

Rows = npt.NDArray[np.int64]


def link_boxes(
    found: SliceBoxes, settings: LinkSettings | None = None, *, step: int = 1
) -> VolumeBoxes:
    """Link the boxes of a volume's slices, label by label.

    Args:
        found: Boxes of its slices; none gives no 3-D boxes.
        settings: Choices.
        step: Distance of neighbouring slices in ``found.slices``, at least 1; larger where only
            every n-th slice of a volume was asked. A slice then stands for ``step`` of them, at the
            ends also for some outside the volume, see :meth:`VolumeBoxes.clipped`.

    Returns:
        3-D boxes, the surest first; of equal scores the lower label, then the lower slice, first.

    Raises:
        ValueError: ``step`` is below 1.

    Example:
        >>> found = SliceBoxes([[0, 0, 4, 4], [1, 0, 5, 4]], [7, 8], [0.9, 0.8], [0, 0])
        >>> link_boxes(found).boxes.tolist()
        [[0.0, 0.0, 7.0, 5.0, 4.0, 9.0]]
    """
    if step < 1:
        raise ValueError(f'step must be at least 1, got {step}.')
    settings = settings or LinkSettings()
    left_out: Counter[str] = Counter()
    chains: list[Rows] = []
    sure = np.flatnonzero(found.scores >= settings.min_score)
    left_out['score below min_score'] += len(found) - len(sure)
    for label in np.unique(found.labels[sure]).tolist():
        rows = sure[found.labels[sure] == label]
        for chain in _chains(found, rows, settings, step):
            kept = _without_faint_ends(found, chain, settings.end_score)
            left_out['faint end of an object'] += len(chain) - len(kept)
            if len(kept) < settings.min_slices:
                left_out['object on too few slices'] += len(kept)
            else:
                chains.append(kept)
    boxes = np.array([_box(found, chain, step) for chain in chains]).reshape(-1, 6)
    scores = np.array([_score(found, chain, settings, step) for chain in chains], np.float64)
    labels = np.array([found.labels[chain[0]] for chain in chains], np.int64)
    order = np.lexsort((boxes[:, 2], labels, -scores))
    stay = _suppressed(boxes, labels, order, settings.nms_iou)
    left_out['object over a surer one'] += sum(
        len(chains[row]) for row in set(range(len(chains))).difference(stay)
    )
    return VolumeBoxes(
        boxes[stay].reshape(-1, 6),
        scores[stay],
        labels[stay],
        tuple(tuple(chains[row].tolist()) for row in stay),
        {reason: count for reason, count in left_out.items() if count},
    )


def enclosing_volume_box(
    boxes: npt.NDArray, slices: npt.NDArray, step: int = 1
) -> npt.NDArray[np.float64]:
    """Return the smallest 3-D box around slice boxes.

    Args:
        boxes: [N, 4] xyxy in pixels, N at least 1.
        slices: [N] slice of each.
        step: Slices that each stands for; it is in their middle. Some of them may be outside the
            volume, see :meth:`VolumeBoxes.clipped`.

    Returns:
        [6] (x1, y1, z1, x2, y2, z2); a single slice ``k`` spans ``[k, k + 1)``.
    """
    low, high = np.asarray(boxes)[:, :2].min(axis=0), np.asarray(boxes)[:, 2:].max(axis=0)
    half = step / 2
    return np.array([*low, min(slices) + 0.5 - half, *high, max(slices) + 0.5 + half], np.float64)


def _chains(found: SliceBoxes, rows: Rows, settings: LinkSettings, step: int) -> list[Rows]:
    """Split the boxes of one label into objects, each in the order of its slices."""
    pairs = _pairs(found, rows, settings, step)
    above: dict[int, int] = {}
    below: dict[int, int] = {}
    for _, _, lower, upper in sorted(pairs):
        if lower not in above and upper not in below:
            above[lower], below[upper] = upper, lower
    chains = []
    for start in rows[np.argsort(found.slices[rows], kind='stable')].tolist():
        if start in below:
            continue
        chain = [start]
        while chain[-1] in above:
            chain.append(above[chain[-1]])
        chains.append(np.array(chain, np.int64))
    return chains


def _pairs(
    found: SliceBoxes, rows: Rows, settings: LinkSettings, step: int
) -> list[tuple[int, float, int, int]]:
    """List pairs that may be one object, as (distance, -IoU, lower row, upper row)."""
    on_slice = {
        number: rows[found.slices[rows] == number]
        for number in np.unique(found.slices[rows]).tolist()
    }
    pairs = []
    for number, lower in on_slice.items():
        for distance in range(1, settings.max_gap + 2):
            upper = on_slice.get(number + distance * step)
            if upper is None:
                continue
            share = pairwise_share(found.boxes[lower], found.boxes[upper])
            iou = pairwise_iou(found.boxes[lower], found.boxes[upper])
            for i, j in np.argwhere(share >= settings.overlap).tolist():
                pairs.append((distance, -float(iou[i, j]), int(lower[i]), int(upper[j])))
    return pairs


def _without_faint_ends(found: SliceBoxes, chain: Rows, share: float) -> Rows:
    scores = found.scores[chain]
    # A score below 0 has no share that is lower than itself.
    strong = np.flatnonzero((scores >= share * scores.max()) | (scores == scores.max()))
    return chain[strong[0] : strong[-1] + 1]


def _box(found: SliceBoxes, chain: Rows, step: int) -> npt.NDArray[np.float64]:
    return enclosing_volume_box(found.boxes[chain], found.slices[chain], step)


def _score(found: SliceBoxes, chain: Rows, settings: LinkSettings, step: int) -> float:
    scores = found.scores[chain]
    if settings.score == 'max':
        return float(scores.max())
    slices = (found.slices[chain[-1]] - found.slices[chain[0]]) // step + 1
    return float(scores.sum() / slices)


def _suppressed(
    boxes: npt.NDArray[np.float64], labels: Rows, order: npt.NDArray, nms_iou: float
) -> list[int]:
    """Return what stays, the surest first."""
    stay: set[int] = set()
    for label in np.unique(labels).tolist():
        of_label: list[int] = []
        for row in order[labels[order] == label].tolist():
            overlap = pairwise_iou_3d(boxes[[row]], boxes[of_label])
            if not (overlap > nms_iou).any():
                of_label.append(row)
        stay.update(of_label)
    return [row for row in order.tolist() if row in stay]
