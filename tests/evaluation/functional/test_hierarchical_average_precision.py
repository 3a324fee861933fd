"""AP where a left kidney that is found is a kidney that is found; all values by hand."""

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import (
    ImageDetections,
    LabelTree,
    average_precision,
    expand_to_ancestors,
    hierarchical_average_precision,
)
from mmdet_medglip.ontology import Ontology

from ..images import image as image_of

TREE = LabelTree.of_labels(Ontology.default(), ['kidney_left', 'kidney_right', 'liver'])
LEFT, RIGHT, LIVER = 0, 1, 2
KIDNEY, ORGAN, ABDOMEN = (TREE.index[n] for n in ('kidney', 'hepatobiliary_organ', 'abdomen'))
A, NEAR, B, C = [0, 0, 10, 10], [0, 0, 10, 9], [30, 0, 40, 10], [60, 0, 70, 10]


def image(found=(), truth=(), asked=(LEFT, RIGHT, LIVER), crowd=()):
    return image_of(found, truth, asked, crowd)


def values(*images: ImageDetections, **options) -> dict[str, float]:
    found = hierarchical_average_precision(images, TREE, **options).nodes.ap50_per_label
    return {node: value for node, value in zip(TREE.ids, found.tolist(), strict=True) if value >= 0}


def test_a_taken_side_is_wrong_as_label_and_right_as_class():
    found = values(image([(RIGHT, 0.9, A)], [(LEFT, A)]))
    assert found == pytest.approx({'kidney_left': 0, 'kidney': 1, 'abdomen': 1})


def test_levels_are_means_over_their_nodes():
    # The liver is found, the left kidney only as a right one, the right kidney is missed.
    one = image([(LIVER, 0.8, C), (RIGHT, 0.9, A)], [(LEFT, A), (RIGHT, B), (LIVER, C)])
    found = hierarchical_average_precision([one], TREE)
    # Label: 0, 0 (the only box is false) and 1. Class: the kidney has one of two at precision 1,
    # so 51 of 101 points; the liver's 1. Region: two of three, 67 of 101 points.
    assert found.of_level('label').ap50 == pytest.approx(1 / 3)
    assert found.of_level('class').ap50 == pytest.approx((51 / 101 + 1) / 2)
    assert found.of_level('region').ap50 == pytest.approx(67 / 101)
    assert found.of_level('region').num_truth.tolist() == [3]


def test_an_answer_at_the_class_counts_there_and_above():
    found = values(image([(KIDNEY, 0.9, A)], [(LEFT, A)]))
    assert found == pytest.approx({'kidney_left': 0, 'kidney': 1, 'abdomen': 1})


@pytest.mark.parametrize(
    ('double_iou', 'expected'),
    [
        # The better box of image 1 counts: hit 0.9, hit 0.7.
        pytest.param(0.6, 1.0, id='one-answer'),
        # hit 0.9, false 0.8, hit 0.7: precision 1 to recall 1/2, then 2/3.
        pytest.param(None, (51 + 50 * 2 / 3) / 101, id='as-open-images'),
        pytest.param(0.95, (51 + 50 * 2 / 3) / 101, id='not-at-one-place'),
    ],
)
def test_doubles(double_iou, expected):
    both = image([(LEFT, 0.9, A), (RIGHT, 0.8, NEAR)], [(LEFT, A)])
    other = image([(LEFT, 0.7, A)], [(LEFT, A)])
    assert values(both, other, double_iou=double_iou)['kidney'] == pytest.approx(expected)


def test_one_box_of_two_labels_is_one_kidney():
    # Without that, one of the two would be missed: AP 51 / 101.
    found = values(image([(LEFT, 0.9, A)], [(LEFT, A), (RIGHT, A)]))
    assert found['kidney'] == pytest.approx(1)


@pytest.mark.parametrize(
    ('asked', 'detection', 'expected'),
    [
        # The right kidney was not asked: as a kidney it is no miss, and a box on it is not false.
        pytest.param([LEFT], (LEFT, 0.9, A), 1.0, id='not-missed'),
        pytest.param([LEFT], (LEFT, 0.95, B), 0.0, id='box-on-it-is-no-hit-either'),
        pytest.param([LEFT, KIDNEY], (LEFT, 0.9, A), 51 / 101, id='class-asked-one-missed'),
        pytest.param([LEFT, ABDOMEN], (LEFT, 0.9, A), 1.0, id='region-asked-class-follows-left'),
    ],
)
def test_what_was_not_asked_does_not_count(asked, detection, expected):
    one = image([detection], [(LEFT, A), (RIGHT, B)], asked)
    assert values(one)['kidney'] == pytest.approx(expected)


def test_a_box_on_what_was_not_asked_is_not_false():
    one = image([(LEFT, 0.95, B), (LEFT, 0.9, A)], [(LEFT, A), (RIGHT, B)], [LEFT])
    found = values(one)
    # As a left kidney the first box is false: precision 1/2.
    assert found == pytest.approx({'kidney_left': 0.5, 'kidney': 1, 'abdomen': 1})


def test_images_that_asked_for_nothing_below_a_node_do_not_judge_it():
    asked = image([(LIVER, 0.9, C)], [(LIVER, C)], [LIVER])
    not_asked = image([(KIDNEY, 0.99, A)], [(LEFT, A)], [LIVER])
    assert values(asked, not_asked) == pytest.approx(
        {'liver': 1, 'hepatobiliary_organ': 1, 'abdomen': 1}
    )


def test_expansion_by_hand():
    one = expand_to_ancestors(
        image([(LEFT, 0.9, A)], [(RIGHT, B), (LIVER, C)], [LEFT, LIVER], crowd=[1]), TREE
    )
    assert sorted(one.labels.tolist()) == sorted([LEFT, KIDNEY, ABDOMEN])
    assert one.asked.tolist() == sorted([LEFT, LIVER, KIDNEY, ORGAN, ABDOMEN])
    truth = {
        (node, tuple(box), skip)
        for node, box, skip in zip(
            one.gt_labels.tolist(), one.gt_boxes.tolist(), one.gt_ignore.tolist(), strict=True
        )
    }
    # Not asked: the right kidney, which its own node leaves out. A crowd stays one above.
    assert truth == {
        *((node, tuple(B), True) for node in (RIGHT, KIDNEY, ABDOMEN)),
        *((node, tuple(C), True) for node in (LIVER, ORGAN, ABDOMEN)),
    }


def test_labels_alone_equal_plain_average_precision():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(6):
        corner = rng.uniform(0, 50, (12, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(5, 20, (12, 2))], axis=1)
        near = boxes + rng.uniform(-1, 1, boxes.shape)
        nodes, guesses = rng.integers(0, 3, (2, 12))
        nodes[:8] = guesses[:8]
        images.append(
            image(
                [(n, s, b) for n, s, b in zip(guesses, rng.uniform(size=12), near, strict=True)],
                list(zip(nodes, boxes, strict=True)),
            )
        )
    plain = average_precision(images, 3)
    found = hierarchical_average_precision(images, TREE, double_iou=None)
    np.testing.assert_allclose(found.of_level('label').ap_per_label, plain.ap_per_label)
    assert 0.1 < plain.ap < 0.9
    without_boxes = image([], [], [LEFT])
    again = hierarchical_average_precision([*images, without_boxes], TREE, double_iou=None)
    np.testing.assert_allclose(again.nodes.ap_per_label, found.nodes.ap_per_label)


def test_nothing_is_a_value():
    assert np.isnan(hierarchical_average_precision([], TREE).of_level('class').ap50)
    found = hierarchical_average_precision([image(asked=[])], TREE)
    assert np.isnan(found.of_level('label').ap)


def test_labels_outside_the_tree():
    with pytest.raises(ValueError, match=r'`labels` must be nodes in \[0, 6\), got 6 to 6'):
        hierarchical_average_precision([image([(6, 0.9, A)])], TREE)
