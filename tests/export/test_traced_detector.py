"""The function that is traced against the detector, in PyTorch."""

import numpy as np
import pytest
import torch

from mmdet_medglip.export import Detections
from mmdet_medglip.export.traced_detector import TracedDetector
from mmdet_medglip.text import prompt_from_phrases
from tests.export.detectors import PHRASES, assert_same, make_images, predict


def run(model, images, phrases) -> list[Detections]:
    """What the traced function finds in one batch of images.

    Those here are padded to one size, also each alone: others ``predict`` looks at apart.
    """
    detector = TracedDetector(model, prompt_from_phrases(phrases), 'mri').eval()
    sizes = np.array([image.shape[:2] for image in images])
    batch = np.zeros((len(images), 3, *sizes.max(axis=0)), np.float32)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[0], : image.shape[1]] = image.transpose(2, 0, 1)
    with torch.inference_mode():
        outputs = detector(torch.from_numpy(batch), torch.from_numpy(sizes))
    results = []
    for boxes, scores, labels in zip(*(output.numpy() for output in outputs), strict=True):
        found = labels >= 0
        names = tuple(phrases[label] for label in labels[found])
        results.append(Detections(boxes[found], scores[found], labels[found], names))
    return results


@pytest.mark.parametrize(
    'phrases',
    [pytest.param(PHRASES[:1], id='one-phrase'), pytest.param(PHRASES, id='four-phrases')],
)
@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({}, id='as-configured'),
        pytest.param(dict(test_cfg__score_thr=0.0), id='every-pair'),
        pytest.param(dict(test_cfg__nms_pre=7), id='nms_pre-cuts-levels'),
        pytest.param(dict(test_cfg__max_per_img=5), id='max_per_img-cuts'),
        pytest.param(dict(test_cfg__min_bbox_size=20), id='small-boxes-dropped'),
        pytest.param(dict(test_cfg__min_bbox_size=-1), id='points-kept'),
        pytest.param(
            dict(test_cfg__nms=dict(type='nms', iou_threshold=0.3, class_agnostic=True)),
            id='class-agnostic',
        ),
    ],
)
def test_same_as_predict(build, changes, phrases):
    model, images = build(**changes), make_images((96, 70), (70, 96))
    found = run(model, images, phrases)
    assert_same(found, predict(model, images, phrases))
    assert min(map(len, found)) >= 5


def test_high_threshold_leaves_nothing(build):
    model, images = build(test_cfg__score_thr=0.999), make_images((64, 64), (64, 64))
    found = run(model, images, PHRASES)
    assert [len(one) for one in found] == [0, 0]
    assert_same(found, predict(model, images, PHRASES))


@pytest.mark.parametrize(
    ('preprocessor', 'sizes'),
    [
        pytest.param(
            dict(bgr_to_rgb=True, mean=[1, 2, 3], std=[50, 60, 70]),
            ((64, 96), (64, 96)),
            id='channels-swapped',
        ),
        pytest.param(dict(pad_size_divisor=64), ((64, 96), (50, 70)), id='another-divisor'),
        pytest.param(
            dict(mean=[9, 9, 9], std=[255, 255, 255], pad_value=1, pad_size_divisor=64),
            ((64, 96), (50, 70)),
            id='padded-with-1',
        ),
        pytest.param(dict(), ((64, 96), (64, 96)), id='nothing-to-do'),
    ],
)
def test_preprocessing_is_part_of_the_function(build, preprocessor, sizes):
    model = build()
    model.data_preprocessor = type(model.data_preprocessor)(**preprocessor)
    images = [image // 32 for image in make_images(*sizes)]
    assert_same(run(model, images, PHRASES), predict(model, images, PHRASES))
