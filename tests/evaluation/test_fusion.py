import dataclasses

import numpy as np
import pytest

from mmdet_medglip.evaluation import ImageResult, Results
from mmdet_medglip.evaluation.fusion import fuse_boxes, fuse_results

LIVER, SPLEEN = 0, 1
CLASSES = ('liver', 'spleen')


def answers(*rows):
    """Rows of (label, score, box)."""
    return (
        np.array([box for _, _, box in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([label for label, _, _ in rows], np.int64),
    )


def run(*rows, image_id='a', asked=(LIVER, SPLEEN), presence=None, truth=(0, 0, 10, 10), **changes):
    """Test run of one image; rows are (phrase, score, box)."""
    boxes, scores, phrases = answers(*rows)
    image = ImageResult(
        image_id=image_id,
        modality='ct',
        height=100,
        width=100,
        phrases=tuple(CLASSES[label] for label in asked),
        asked=np.array(asked, np.int64),
        boxes=boxes,
        scores=scores,
        box_phrases=phrases,
        gt_boxes=np.array([truth], np.float32),
        gt_labels=np.array([LIVER]),
        gt_ignore=np.array([False]),
        presence=None if presence is None else np.array(presence),
        **changes,
    )
    return Results(
        classes=CLASSES, class_names=CLASSES, images=(image,), config='a', checkpoint='x'
    )


def test_boxes_of_both_become_their_mean_and_a_lone_box_loses_half():
    boxes, scores, labels = fuse_boxes(
        [
            answers((LIVER, 0.8, [0, 0, 10, 10]), (SPLEEN, 0.5, [50, 50, 60, 60])),
            answers((LIVER, 0.4, [0, 0, 12, 10])),
        ],
        [1, 1],
    )
    # IoU 10 / 12; (0.8 * 10 + 0.4 * 12) / 1.2 and (0.8 + 0.4) / 2.
    np.testing.assert_allclose(boxes, [[0, 0, 12.8 / 1.2, 10], [50, 50, 60, 60]], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.6, 0.25])
    assert labels.tolist() == [LIVER, SPLEEN]


def test_a_weight_counts_as_so_many_detectors():
    boxes, scores, _ = fuse_boxes(
        [answers((LIVER, 0.8, [0, 0, 10, 10])), answers((LIVER, 0.4, [0, 0, 12, 10]))], [3, 1]
    )
    # (3 * 0.8 + 0.4) / 4; weights of the corners 2.4 and 0.4.
    assert scores == pytest.approx([0.7])
    assert boxes[0, 2] == pytest.approx((2.4 * 10 + 0.4 * 12) / 2.8)


@pytest.mark.parametrize(
    'second',
    [
        pytest.param((SPLEEN, 0.8, [0, 0, 10, 10]), id='other-label'),
        pytest.param((LIVER, 0.8, [0, 0, 10, 5]), id='overlap-below-threshold'),
    ],
)
def test_what_is_not_the_same_stays_apart(second):
    boxes, _, _ = fuse_boxes([answers((LIVER, 0.8, [0, 0, 10, 10])), answers(second)], [1, 1])
    assert len(boxes) == 2


def test_nothing_and_boxes_without_area_give_nothing():
    empty = answers()
    flat = answers((LIVER, 0.8, [5, 5, 5, 9]), (LIVER, 0.0, [0, 0, 3, 3]))
    for fused in (fuse_boxes([empty, empty], [1, 1]), fuse_boxes([empty, flat], [1, 1])):
        assert [len(part) for part in fused] == [0, 0, 0]
        assert fused[0].shape == (0, 4)


def test_prompts_in_another_order_are_matched_by_label():
    first = run((0, 0.8, [0, 0, 10, 10]), presence=[0.9, 0.1])
    second = run((1, 0.4, [0, 0, 10, 10]), asked=(SPLEEN, LIVER), presence=[0.3, 0.5])
    (image,) = fuse_results([first, second]).images
    assert image.phrases == CLASSES
    assert image.box_phrases.tolist() == [0]
    assert image.scores == pytest.approx([0.6])
    assert image.presence == pytest.approx([0.7, 0.2])
    (other,) = fuse_results([second, first]).images
    assert other.phrases == CLASSES[::-1]
    assert other.box_phrases.tolist() == [1]
    assert other.presence == pytest.approx([0.2, 0.7])


def test_presence_is_given_only_where_all_give_it():
    (image,) = fuse_results([run(presence=[0.9, 0.1]), run()]).images
    assert image.presence is None


def test_a_run_fused_with_itself_keeps_its_boxes():
    one = run((0, 0.75, [0, 0, 10, 10]), (1, 0.5, [20, 20, 40, 40]))
    fused = fuse_results([one, one])
    (before,), (after,) = one.images, fused.images
    np.testing.assert_allclose(after.boxes, before.boxes)
    np.testing.assert_allclose(after.scores, before.scores)
    assert after.box_phrases.tolist() == before.box_phrases.tolist()
    assert fused.config == 'a + a'


def test_captions_are_matched_by_phrase():
    def caption(*rows):
        image = run(*rows).images[0]
        image = dataclasses.replace(image, asked=None, phrases=('a cyst', 'it'))
        return Results(classes=(), class_names=(), images=(image,))

    fused = fuse_results([caption((1, 0.8, [0, 0, 9, 9])), caption((1, 0.6, [0, 0, 9, 9]))])
    assert fused.images[0].box_phrases.tolist() == [1]
    assert fused.images[0].scores == pytest.approx([0.7])


@pytest.mark.parametrize(
    ('other', 'settings', 'message'),
    [
        pytest.param(run(image_id='b'), {}, "'a' is in one result", id='other-image'),
        pytest.param(run(asked=(LIVER,)), {}, 'asked for other labels', id='other-prompt'),
        pytest.param(run(truth=(0, 0, 5, 5)), {}, 'another truth', id='other-truth'),
        pytest.param(run(), {'weights': [1]}, 'a weight for each', id='too-few-weights'),
        pytest.param(run(), {'weights': [1, 0]}, 'above 0', id='weight-of-zero'),
        pytest.param(run(), {'iou_threshold': 1.0}, r'\(0, 1\)', id='iou-of-one'),
    ],
)
def test_what_cannot_be_fused_is_said(other, settings, message):
    with pytest.raises(ValueError, match=message):
        fuse_results([run(), other], **settings)


def test_other_classes_are_said():
    other = dataclasses.replace(run(), classes=('liver', 'polyp'), class_names=('liver', 'polyp'))
    with pytest.raises(ValueError, match='of other labels'):
        fuse_results([run(), other])
