"""Questions and their answers, by hand."""

import pytest

from mmdet_medglip.downstream.generate import ask_all, facts_of, usual_lengths
from mmdet_medglip.structures import Instance, Record

LABELS = ('liver', 'kidney_left', 'kidney_right', 'kidney_stone', 'liver_lesion')


def facts(*instances: Instance, image_id: str = 'a'):
    return facts_of(
        Record(image_id, 90, 90, 'ct', 'demo', 'p1', spacing_mm=(1.0, 1.0), instances=instances),
        LABELS,
    )


LEFT = Instance((50, 40, 70, 60), label='kidney_left')
RIGHT = Instance((10, 40, 26, 56), label='kidney_right')
STONE = Instance((55, 45, 61, 49), label='kidney_stone')


def answers(*instances: Instance, thresholds=None) -> dict[tuple[str, str], str]:
    found = ask_all(facts(*instances), thresholds or {}, seed=0)
    return {(q.kind, q.label): q.answer for q in found}


def test_presence_is_asked_of_every_annotated_label():
    found = answers(LEFT)
    assert {label: a for (kind, label), a in found.items() if kind == 'presence'} == {
        'liver': 'no', 'kidney_left': 'yes', 'kidney_right': 'no', 'kidney_stone': 'no',
        'liver_lesion': 'no',
    }  # fmt: skip


def test_a_finding_is_asked_for_side_number_place_and_size():
    found = answers(LEFT, RIGHT, STONE, thresholds={'kidney_stone': 5.0})
    assert found['side', 'kidney_stone'] == 'left'
    assert found['count', 'kidney_stone'] == 'one'
    assert found['several', 'kidney_stone'] == 'no'
    assert found['zone', 'kidney_stone'] == 'centre'
    assert found['size', 'kidney_stone'] == 'yes'  # 6 mm


def test_findings_of_both_sides():
    other = Instance((14, 45, 20, 50), label='kidney_stone')
    found = answers(LEFT, RIGHT, STONE, other)
    assert found['side', 'kidney_stone'] == 'both sides'
    assert found['on_side', 'kidney_stone'] == 'yes'
    assert found['count', 'kidney_stone'] == 'two'
    assert ('zone', 'kidney_stone') not in found  # there is no single place


def test_organs_of_both_sides_are_compared_if_they_differ():
    found = answers(LEFT, RIGHT)
    assert found['larger_one', 'kidney_left'] == 'left'
    alike = Instance((10, 40, 30, 60), label='kidney_right')
    assert ('larger_one', 'kidney_left') not in answers(LEFT, alike)


@pytest.mark.parametrize('image_id', ['a', 'b', 'c', 'd', 'e', 'f'])
def test_comparisons_fit_their_words(image_id):
    for question in ask_all(facts(LEFT, RIGHT, image_id=image_id), {}, seed=0):
        if question.kind == 'comparison':
            left_first = question.question.index('left') < question.question.index('right')
            larger = 'larger' in question.question
            assert question.answer == ('yes' if left_first == larger else 'no')


@pytest.mark.parametrize('image_id', ['a', 'b', 'c', 'd', 'e', 'f'])
def test_halves_fit_their_words(image_id):
    lesion = Instance((70, 0, 80, 10), label='liver_lesion')  # upper right
    (question,) = [
        q for q in ask_all(facts(lesion, image_id=image_id), {}, seed=0) if q.kind == 'half'
    ]
    inside = 'upper' in question.question or 'right' in question.question
    assert question.answer == ('yes' if inside else 'no')


def test_questions_of_an_image_do_not_depend_on_the_call():
    assert ask_all(facts(LEFT, STONE), {}, 3) == ask_all(facts(LEFT, STONE), {}, 3)
    assert ask_all(facts(LEFT, STONE), {}, 3) != ask_all(facts(LEFT, STONE), {}, 4)


def test_usual_lengths_are_medians_of_the_largest_of_each_image():
    small = Instance((0, 0, 4, 4), label='liver_lesion')
    large = Instance((10, 10, 20, 20), label='liver_lesion')
    huge = Instance((10, 10, 40, 40), label='liver_lesion')
    found = usual_lengths([facts(small, large), facts(large), facts(huge)])
    assert found == {'liver_lesion': 10.0}
