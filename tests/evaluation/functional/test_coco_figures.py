"""Figures are those of plain pycocotools, and hand-computed ones."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_medglip.evaluation.functional import ImageDetections, coco_figures
from mmdet_medglip.evaluation.functional.coco_figures import COCO_FIGURES

from ..images import image as image_of

LABELS = 4
STATS = (
    *('AP', 'AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large'),
    *('AR@1', 'AR@10', 'AR@100', 'AR_small', 'AR_medium', 'AR_large'),
)
BACKENDS = ['pycocotools', 'faster_coco_eval']


def image(found=(), truth=(), asked=range(LABELS), crowd=()):
    return image_of(found, truth, asked, crowd)


def random_images(count, seed, most=30, ties=True):
    """All sizes of boxes, near misses, wrong labels, false boxes, crowds, images without any."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        corner = rng.uniform(0, 300, (rng.integers(0, 6), 2))
        truth = np.concatenate([corner, corner + rng.uniform(5, 150, corner.shape)], 1)
        labels = rng.integers(0, LABELS - 1, len(truth))
        near = np.repeat(truth, 3, axis=0) + rng.normal(0, 5, (3 * len(truth), 4))
        corner = rng.uniform(0, 300, (rng.integers(0, most), 2))
        far = np.concatenate([corner, corner + rng.uniform(5, 150, corner.shape)], 1)
        boxes = np.concatenate([near, far])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        scores = rng.integers(1, 50, len(boxes)) / 50 if ties else rng.random(len(boxes))
        images.append(
            ImageDetections(
                boxes=boxes.astype(np.float32),
                scores=scores.astype(np.float32),
                labels=np.concatenate(
                    [np.repeat(labels, 3), rng.integers(0, LABELS, len(far))]
                ).astype(np.int64),
                gt_boxes=truth.astype(np.float32),
                gt_labels=labels.astype(np.int64),
                gt_ignore=rng.random(len(truth)) < 0.15,
                asked=np.arange(LABELS),
            )
        )
    return images


def plain(images, thresholds=None):
    """pycocotools as anybody uses it: a data set, ``loadRes``, ``summarize``."""
    truth, found = [], []
    for number, item in enumerate(images):
        for box, label, crowd in zip(item.gt_boxes, item.gt_labels, item.gt_ignore, strict=True):
            x1, y1, x2, y2 = box.astype(float)
            entry = {'id': len(truth) + 1, 'image_id': number, 'category_id': int(label)}
            entry |= {'bbox': [x1, y1, x2 - x1, y2 - y1], 'area': (x2 - x1) * (y2 - y1)}
            truth.append(entry | {'iscrowd': int(crowd)})
        for box, label, score in zip(item.boxes, item.labels, item.scores, strict=True):
            x1, y1, x2, y2 = box.astype(float)
            entry = {'image_id': number, 'category_id': int(label), 'score': float(score)}
            found.append(entry | {'bbox': [x1, y1, x2 - x1, y2 - y1]})
    coco = COCO()
    coco.dataset = {
        'images': [{'id': number} for number in range(len(images))],
        'categories': [{'id': number} for number in range(LABELS)],
        'annotations': truth,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        evaluator = COCOeval(coco, coco.loadRes(found), 'bbox')
        if thresholds is not None:
            evaluator.params.iouThrs = np.array(thresholds)
        evaluator.evaluate()
        evaluator.accumulate()
        if thresholds is None:
            evaluator.summarize()
            return dict(zip(STATS, evaluator.stats, strict=True))
    precision = evaluator.eval['precision'][:, :, :, 0, 2]
    return precision[precision > -1].mean()


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize(
    'images',
    [
        pytest.param(random_images(40, seed=0), id='mixed'),
        pytest.param(random_images(15, seed=1, most=150, ties=False), id='more-than-100-boxes'),
        pytest.param([*random_images(3, seed=2), image(), image()], id='few-and-empty'),
    ],
)
def test_figures_are_those_of_pycocotools(images, backend):
    pytest.importorskip(backend)
    found = coco_figures(images, LABELS, backend=backend).means()
    assert tuple(found) == COCO_FIGURES
    expected = plain(images)
    # pycocotools says -1 where there is nothing.
    assert {name: found[name] for name in STATS} == pytest.approx(
        {name: np.nan if value < 0 else value for name, value in expected.items()},
        abs=1e-6,
        nan_ok=True,
    )
    for name, thresholds in {
        'AP@0.4': [0.4],
        'AP@0.4:0.75': np.arange(40, 80, 5) / 100,
        'AP@0.1': [0.1],
        'AP@0.1:0.5': np.arange(10, 55, 5) / 100,
    }.items():
        assert found[name] == pytest.approx(plain(images, thresholds), abs=1e-6), name
    assert 0 < found['AP'] < found['AP50'] < found['AP@0.1'] < 1


A = [0, 0, 10, 10]


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        # IoU 0.42: right at 0.40, one of eight of RSNA, seven of nine of nnDetection.
        pytest.param(
            [0, 0, 10, 4.2],
            {'AP@0.4': 1, 'AP@0.4:0.75': 1 / 8, 'AP@0.1:0.5': 7 / 9, 'AP50': 0, 'AR@100': 0},
            id='0.42',
        ),
        # IoU 0.12: one of nine.
        pytest.param([0, 0, 10, 1.2], {'AP@0.1': 1, 'AP@0.1:0.5': 1 / 9, 'AP@0.4': 0}, id='0.12'),
        # IoU 0.77: six of ten thresholds of COCO, all of the others.
        pytest.param(
            [0, 0, 10, 7.7], {'AP': 0.6, 'AP75': 1, 'AP@0.4:0.75': 1, 'AR@1': 0.6}, id='0.77'
        ),
    ],
)
def test_one_box_by_hand(backend, box, expected):
    pytest.importorskip(backend)
    found = coco_figures([image([(0, 0.9, box)], [(0, A)])], LABELS, backend=backend).means()
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found['AP_small'] == found['AP']
    assert np.isnan(found['AP_large'])


def test_recall_counts_the_best_boxes_of_an_image():
    truth = [(0, [20 * i, 0, 20 * i + 10, 10]) for i in range(12)]
    found = [(0, 1 - i / 100, box) for i, (_, box) in enumerate(truth)]
    figures = coco_figures([image(found, truth)], LABELS).means()
    assert [figures[f'AR@{k}'] for k in (1, 10, 100)] == pytest.approx([1 / 12, 10 / 12, 1])


def test_figures_of_one_size_ignore_the_others():
    small, large = [0, 0, 10, 10], [100, 100, 300, 300]
    images = [image([(0, 0.9, large)], [(0, small), (0, large)])]
    whole = coco_figures(images, LABELS)
    part = coco_figures(images, LABELS, area=(0, 32**2))
    assert (whole.num_truth[0], part.num_truth[0]) == (2, 1)
    assert whole.means()['AP_large'] == pytest.approx(1)
    assert part.means()['AP50'] == whole.means()['AP_small'] == 0


def test_nothing_to_find():
    for images in ([], [image([(0, 0.5, A)])], [image([], [(0, A)], crowd=[0])]):
        assert all(np.isnan(value) for value in coco_figures(images, LABELS).means().values())


def test_labels_count_where_they_were_asked():
    images = [image([(0, 0.9, A)], [(0, A)]), image([(0, 0.95, A)], [(1, A)], asked=[1])]
    figures = coco_figures(images, LABELS)
    assert figures.per_label['AP50'][:2] == pytest.approx([1, 0])
