import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import LabelTree, back_off_candidates
from mmdet_medglip.ontology import Ontology

from ..images import image as image_of

TREE = LabelTree.of_labels(Ontology.default(), ['kidney_left', 'kidney_right', 'liver'])
LEFT, RIGHT, LIVER = range(3)
KIDNEY, ABDOMEN = TREE.index['kidney'], TREE.index['abdomen']
A, B, FAR = (0, 0, 10, 10), (40, 40, 60, 60), (80, 80, 90, 90)


def image(found=(), truth=(), asked=(LEFT, RIGHT, LIVER), crowd=()):
    return image_of(found, truth, asked, crowd)


def test_the_best_box_of_a_label_and_what_lies_above_it():
    found = [
        (LEFT, 0.3, A),
        (LEFT, 0.6, B),
        (KIDNEY, 0.7, B),
        (KIDNEY, 0.9, FAR),
        (ABDOMEN, 0.8, (41, 41, 60, 60)),
    ]
    scores, right = back_off_candidates(image(found, [(RIGHT, B)]), TREE)
    assert scores == pytest.approx(np.array([[0.6, 0.7, 0.8]]))
    # It is the right kidney: wrong as left kidney, right as kidney and as something in the abdomen.
    assert right.tolist() == [[False, True, True]]


def test_without_a_box_at_the_place_a_level_is_silent():
    scores, right = back_off_candidates(image([(LIVER, 0.5, A), (ABDOMEN, 0.9, FAR)], []), TREE)
    assert scores.tolist() == [[0.5, -np.inf, -np.inf]]
    assert right.tolist() == [[False, False, False]]


def test_overlap_with_truth_counts_from_a_half():
    half = (0, 0, 10, 5)
    for truth, expected in ((half, True), ((0, 0, 10, 4), False)):
        _, right = back_off_candidates(image([(LIVER, 0.5, A)], [(LIVER, truth)]), TREE)
        assert right.tolist() == [[expected] * 3]


def test_crowds_empty_images_and_labels_not_asked_give_no_candidate():
    for one in (
        image([(LIVER, 0.5, A)], [(LIVER, A)], crowd=(0,)),
        image([], []),
        image([(LIVER, 0.5, A)], [(LIVER, A)], asked=(LEFT,)),
    ):
        scores, right = back_off_candidates(one, TREE)
        assert scores.shape == right.shape == (0, 3)
