"""Detectors that look at nothing, or at grey values only, fail on the phantoms."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from mmdet_medglip.evaluation.functional import ImageDetections, average_precision
from mmdet_medglip.testing.phantoms import SPECS, PhantomImage, draw_patient

LIMIT = 0.25
TRAIN_PATIENTS = 12
TEST_PATIENTS = 8
IMAGES = 2


@dataclass(frozen=True)
class Sets:
    """Phantoms of one modality, training and held-out patients."""

    labels: tuple[str, ...]
    train: list[PhantomImage]
    test: list[PhantomImage]

    def ap50(self, boxes, scores, labels) -> float:
        """AP50 of detections given per test image."""
        everything = np.arange(len(self.labels))
        images = []
        for phantom, b, s, k in zip(self.test, boxes, scores, labels, strict=True):
            truth = [(phantom.boxes(n), i) for i, n in enumerate(self.labels)]
            images.append(
                ImageDetections(
                    boxes=np.asarray(b, np.float32).reshape(-1, 4),
                    scores=np.asarray(s, np.float32),
                    labels=np.asarray(k, np.int64),
                    gt_boxes=np.concatenate([t for t, _ in truth]),
                    gt_labels=np.repeat(everything, [len(t) for t, _ in truth]),
                    gt_ignore=np.zeros(sum(len(t) for t, _ in truth), bool),
                    asked=everything,
                )
            )
        return average_precision(images, len(self.labels)).ap50


def draw_sets(modality: str) -> Sets:
    spec = SPECS[modality]
    train, test = (
        [image for k in patients for image in draw_patient(modality, k, images=IMAGES)]
        for patients in (range(TRAIN_PATIENTS), range(100, 100 + TEST_PATIENTS))
    )
    return Sets(spec.labels, train, test)


def mean_box_ap50(sets: Sets) -> float:
    """Answer every image with the mean training box of each label, scored by frequency."""
    per_label = [np.concatenate([p.boxes(n) for p in sets.train]) for n in sets.labels]
    shown = [k for k, b in enumerate(per_label) if len(b)]
    boxes = [per_label[k].mean(0) for k in shown]
    scores = [min(1.0, len(per_label[k]) / len(sets.train)) for k in shown]
    count = len(sets.test)
    return sets.ap50([boxes] * count, [scores] * count, [shown] * count)


def grey(image: np.ndarray) -> np.ndarray:
    return image.mean(-1) if image.ndim == 3 else image.astype(np.float32)


def threshold_ap50(sets: Sets) -> float:
    """Cut each label's usual grey values out of the image; components of usual size win."""
    values, areas = defaultdict(list), defaultdict(list)
    for phantom in sets.train:
        smooth = ndimage.gaussian_filter(grey(phantom.image), 1.0)
        for name, mask in phantom.masks:
            values[name].append(smooth[mask])
            areas[name].append(mask.sum())
    bands = {n: np.percentile(np.concatenate(v), (15, 85)) for n, v in values.items()}
    boxes, scores, labels = [], [], []
    for phantom in sets.test:
        smooth = ndimage.gaussian_filter(grey(phantom.image), 1.0)
        b, s, k = [], [], []
        for name, (low, high) in bands.items():
            cut = ndimage.binary_opening((smooth >= low) & (smooth <= high))
            parts, _ = ndimage.label(cut)
            sizes = np.bincount(parts.ravel())
            usual = np.median(areas[name])
            for part, where in enumerate(ndimage.find_objects(parts), 1):
                rows, columns = where
                b.append((columns.start, rows.start, columns.stop, rows.stop))
                s.append(float(np.exp(-abs(np.log(sizes[part] / usual)))))
                k.append(sets.labels.index(name))
        boxes.append(b)
        scores.append(s)
        labels.append(k)
    return sets.ap50(boxes, scores, labels)


@pytest.fixture(scope='module', params=list(SPECS))
def sets(request: pytest.FixtureRequest) -> Sets:
    return draw_sets(request.param)


def test_ap50_of_the_truth_is_one(sets: Sets):
    truth = [
        [(box, k) for k, name in enumerate(sets.labels) for box in phantom.boxes(name)]
        for phantom in sets.test
    ]
    boxes = [[box for box, _ in pairs] for pairs in truth]
    labels = [[k for _, k in pairs] for pairs in truth]
    scores = [[1.0] * len(pairs) for pairs in truth]
    assert sets.ap50(boxes, scores, labels) == pytest.approx(1.0)


def test_mean_box_of_each_label_fails(sets: Sets):
    assert mean_box_ap50(sets) < LIMIT


def test_threshold_and_components_fail(sets: Sets):
    assert threshold_ap50(sets) < LIMIT
