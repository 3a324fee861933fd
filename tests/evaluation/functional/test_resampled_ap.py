"""AP50 of selections is that of the COCO evaluator."""

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import ImageDetections, average_precision
from mmdet_medglip.evaluation.functional.resampled_ap import MacroAP50, ResampledAP50


def _image(rng: np.random.Generator, ties: bool = False) -> ImageDetections:
    """Truth of three labels, detections near it and elsewhere, a crowd, perhaps equal scores."""
    corner = rng.uniform(0, 80, (rng.integers(0, 5), 2))
    truth = np.concatenate([corner, corner + rng.uniform(8, 30, corner.shape)], 1)
    labels = rng.integers(0, 3, len(truth))
    near = np.repeat(truth, 2, axis=0) + rng.normal(0, 3, (2 * len(truth), 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    far = rng.uniform(0, 80, (4, 2))
    boxes = np.concatenate([near, np.concatenate([far, far + 15], 1)])
    return ImageDetections(
        boxes=boxes.astype(np.float32),
        scores=(rng.integers(1, 20, len(boxes)) / 20 if ties else rng.random(len(boxes))).astype(
            np.float32
        ),
        labels=np.concatenate([np.repeat(labels, 2), rng.integers(0, 4, 4)]),
        gt_boxes=truth.astype(np.float32),
        gt_labels=labels,
        gt_ignore=rng.random(len(truth)) < 0.2,
        asked=rng.permutation(4)[:3],
    )


IMAGES = [_image(np.random.default_rng(seed)) for seed in range(12)]
TIES = [_image(np.random.default_rng(seed), ties=True) for seed in range(12)]


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('most', [2, 100])
def test_selections_score_as_the_coco_evaluator_scores_them(seed: int, most: int) -> None:
    resampled = ResampledAP50(IMAGES, 4, max_detections=most)
    rows = np.random.default_rng(seed).integers(len(IMAGES), size=len(IMAGES))
    expected = average_precision([IMAGES[row] for row in rows], 4, max_detections=most)
    np.testing.assert_allclose(resampled(rows), expected.ap50_per_label, atol=1e-12)


def test_equal_scores_stand_in_the_order_of_the_set() -> None:
    resampled = ResampledAP50(TIES, 4)
    expected = average_precision(TIES, 4).ap50_per_label
    np.testing.assert_allclose(resampled(np.arange(12)), expected, atol=1e-12)
    np.testing.assert_array_equal(resampled(np.arange(12)[::-1]), resampled(np.arange(12)))


def test_macro_ap50_is_the_mean_of_the_modalities() -> None:
    modalities = ['ct', 'mri', 'ct', 'xray'] * 3
    macro = MacroAP50(ResampledAP50(IMAGES, 4), modalities)
    rows = np.random.default_rng(1).integers(12, size=30)
    expected = {
        modality: average_precision(
            [IMAGES[row] for row in rows if modalities[row] == modality], 4
        ).ap50
        for modality in ('ct', 'mri', 'xray')
    }
    assert macro.by_modality(rows) == pytest.approx(expected)
    assert macro(rows) == pytest.approx(np.mean(list(expected.values())))
    only_ct = np.array([row for row in rows if modalities[row] == 'ct'])
    assert macro(only_ct) == pytest.approx(expected['ct']), 'no truth is no part of the mean'
    with pytest.raises(ValueError, match='a modality per image'):
        MacroAP50(ResampledAP50(IMAGES, 4), ['ct'])


def test_no_images_and_no_truth() -> None:
    resampled = ResampledAP50(IMAGES, 4)
    assert np.isnan(resampled(np.zeros(0, np.int64))).all()
    assert np.isnan(resampled(np.arange(12))[3]), 'label 3 has no truth'
