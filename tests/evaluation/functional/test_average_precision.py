import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import average_precision

from ..images import image

A = [0, 0, 10, 10]
B = [40, 40, 60, 60]
FAR = [80, 80, 90, 90]


@pytest.mark.parametrize(
    ('images', 'expected_ap', 'expected_ap50'),
    [
        pytest.param([image([(0, 0.9, A)], [(0, A)])], 1.0, 1.0, id='perfect'),
        pytest.param([image([], [(0, A)])], 0.0, 0.0, id='nothing-found'),
        pytest.param([image([(0, 0.9, A)], [])], np.nan, np.nan, id='nothing-to-find'),
        pytest.param([], np.nan, np.nan, id='no-images'),
        # IoU 0.64: right at .50 .55 .60, wrong at the other seven thresholds.
        pytest.param([image([(0, 0.9, [0, 0, 8, 8])], [(0, A)])], 0.3, 1.0, id='loose-box'),
        # Precision 1/2 at every recall.
        pytest.param(
            [image([(0, 0.9, FAR), (0, 0.8, A)], [(0, A)])], 0.5, 0.5, id='false-positive-first'
        ),
        pytest.param(
            [image([(0, 0.9, A), (0, 0.8, FAR)], [(0, A)])], 1.0, 1.0, id='false-positive-last'
        ),
        # Precision 1 on the 51 of 101 recall points up to 0.5, 0 after.
        pytest.param(
            [image([(0, 0.9, A)], [(0, A), (0, B)])], 51 / 101, 51 / 101, id='one-of-two-found'
        ),
        pytest.param(
            [image([(0, 0.9, A)], [(0, A)]), image([(0, 0.95, FAR)], [])],
            0.5,
            0.5,
            id='negative-image-punishes',
        ),
        pytest.param(
            [image([(0, 0.9, A)], [(0, A)]), image([(0, 0.95, FAR)], [], asked=[1])],
            1.0,
            1.0,
            id='not-asked-does-not',
        ),
        pytest.param(
            [image([(0, 0.9, A)], [(0, A)]), image([], [(0, B)], asked=[1])],
            1.0,
            1.0,
            id='truth-not-asked-is-no-miss',
        ),
        pytest.param(
            [image([(0, 0.95, [42, 42, 50, 50]), (0, 0.9, A)], [(0, A), (0, B)], crowd=[1])],
            1.0,
            1.0,
            id='inside-crowd-is-not-false',
        ),
        pytest.param([image([], [(0, B)], crowd=[0])], np.nan, np.nan, id='crowd-alone'),
    ],
)
@pytest.mark.parametrize('backend', ['pycocotools', 'faster_coco_eval'])
def test_ap_of_label_zero_is_the_hand_computed_value(images, expected_ap, expected_ap50, backend):
    pytest.importorskip(backend)
    result = average_precision(images, num_labels=2, backend=backend)
    assert result.ap_per_label[0] == pytest.approx(expected_ap, nan_ok=True)
    assert result.ap50_per_label[0] == pytest.approx(expected_ap50, nan_ok=True)
    assert result.ap == pytest.approx(expected_ap, nan_ok=True)


def test_means_are_over_labels_with_truth():
    images = [image([(0, 0.9, A)], [(0, A), (1, B)], asked=[0, 1, 2])]
    result = average_precision(images, num_labels=3)
    assert result.ap_per_label == pytest.approx([1.0, 0.0, np.nan], nan_ok=True)
    assert (result.ap, result.ap50) == pytest.approx((0.5, 0.5))
    assert result.num_truth.tolist() == [1, 1, 0]


def test_max_detections_keeps_the_best_scores():
    images = [image([(0, 0.5, A), (0, 0.9, FAR)], [(0, A)])]
    assert average_precision(images, 1 + 1, max_detections=1).ap50 == 0.0
    assert average_precision(images, 1 + 1, max_detections=2).ap50 == 0.5


def random_images(number, num_labels, seed=0):
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(number):
        truth = [
            (int(rng.integers(num_labels)), np.array([x, y, x + w, y + h]))
            for x, y, w, h in rng.uniform(5, 40, (rng.integers(0, 5), 4))
        ]
        found = [
            (
                label if rng.random() < 0.8 else int(rng.integers(num_labels)),
                float(rng.random()),
                box + rng.normal(0, 2, 4),
            )
            for label, box in truth
            if rng.random() < 0.8
        ]
        crowd = [i for i in range(len(truth)) if rng.random() < 0.1]
        images.append(image(found, truth, asked=range(num_labels), crowd=crowd))
    return images


def test_backends_agree():
    pytest.importorskip('faster_coco_eval')
    images = random_images(40, num_labels=4)
    first, second = (
        average_precision(images, 4, backend=name) for name in ('pycocotools', 'faster_coco_eval')
    )
    assert np.allclose(first.ap_per_label, second.ap_per_label, atol=1e-9)
    assert 0 < first.ap < first.ap50 < 1


def test_equals_mmdet_coco_metric():
    from mmdet.evaluation import CocoMetric

    images = random_images(30, num_labels=3, seed=1)
    metric = CocoMetric(metric='bbox')
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    import torch

    samples = [
        {
            'img_id': number,
            'ori_shape': (100, 100),
            'pred_instances': {
                'bboxes': torch.from_numpy(item.boxes),
                'scores': torch.from_numpy(item.scores),
                'labels': torch.from_numpy(item.labels),
            },
            'instances': [
                {'bbox': box.tolist(), 'bbox_label': int(label), 'ignore_flag': int(ignore)}
                for box, label, ignore in zip(
                    item.gt_boxes, item.gt_labels, item.gt_ignore, strict=True
                )
            ],
        }
        for number, item in enumerate(images)
    ]
    metric.process({}, samples)
    theirs = metric.evaluate(len(samples))
    ours = average_precision(images, 3)
    assert ours.ap == pytest.approx(theirs['coco/bbox_mAP'], abs=5e-4)
    assert ours.ap50 == pytest.approx(theirs['coco/bbox_mAP_50'], abs=5e-4)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        pytest.param(image([(2, 0.9, A)], []), r'`labels` must lie in \[0, 2\)', id='label'),
        pytest.param(image([], [], asked=[-1]), r'`asked` must lie in', id='asked'),
        pytest.param(image([(0, np.nan, A)], []), 'must be finite', id='nan-score'),
        pytest.param(image([(0, 0.5, [0, 0, np.inf, 1])], []), 'must be finite', id='inf-box'),
    ],
)
def test_bad_input_is_named(bad, message):
    with pytest.raises(ValueError, match=f'Image 1: .*{message}'):
        average_precision([image(), bad], num_labels=2)


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'cocoapi', expected one of .*pycocotools"):
        average_precision([image([], [(0, A)])], 2, backend='cocoapi')
