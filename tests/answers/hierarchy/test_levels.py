import pytest

from mmdet_medglip.answers.hierarchy import answer_at

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]
ASKED = ('left kidney', 'right kidney', 'kidney', 'abdomen', 'zebra')  # all their nodes
LEFT, RIGHT, KIDNEY, ABDOMEN, ZEBRA = range(5)


def rows(found) -> list[tuple[int, float, list[float]]]:
    values = zip(found.labels, found.scores, found.bboxes, strict=True)
    return [(int(a), round(float(b), 4), c.tolist()) for a, b, c in values]


@pytest.fixture
def found(boxes):
    return boxes(
        (LEFT, 0.5, A),
        (RIGHT, 0.4, NEAR),
        (RIGHT, 0.3, FAR),
        (KIDNEY, 0.2, FAR),
        (ABDOMEN, 0.9, A),
        (ZEBRA, 0.1, A),
    )


@pytest.mark.parametrize(
    ('level', 'combine', 'expected'),
    [
        pytest.param(
            'label',
            'max',
            [(LEFT, 0.5, A), (RIGHT, 0.4, NEAR), (RIGHT, 0.3, FAR), (ZEBRA, 0.1, A)],
            id='labels-stay-and-coarser-leaves',
        ),
        pytest.param(
            'class', 'max', [(KIDNEY, 0.5, A), (KIDNEY, 0.3, FAR), (ZEBRA, 0.1, A)], id='class'
        ),
        pytest.param(
            'class',
            'noisy_or',
            [(KIDNEY, 0.7, A), (KIDNEY, 0.3, FAR), (ZEBRA, 0.1, A)],
            id='class-noisy-or',
        ),
        pytest.param(
            'region',
            'noisy_or',
            [(ABDOMEN, 0.9, A), (ABDOMEN, 0.3, FAR), (ZEBRA, 0.1, A)],
            id='own-score-of-the-region-is-larger',
        ),
    ],
)
def test_answers(family, found, level, combine, expected):
    assert rows(answer_at(found, family(*ASKED), level, combine=combine)) == expected


def test_a_level_that_was_not_asked_is_answered_all_the_same(family, boxes):
    asked = family('left kidney', 'right kidney')  # then kidney, abdomen
    found = boxes((0, 0.5, A), (1, 0.4, NEAR))
    assert rows(answer_at(found, asked, 'class')) == [(2, 0.5, A)]
    assert rows(answer_at(found, asked, 'region')) == [(3, 0.5, A)]


def test_names_of_one_thing_are_one_answer(family, boxes):
    found = boxes((0, 0.5, A), (1, 0.6, NEAR))
    assert rows(answer_at(found, family('kidney', 'ren'), 'class')) == [(1, 0.6, NEAR)]


@pytest.mark.parametrize('level', ['label', 'class', 'region'])
@pytest.mark.parametrize('seed', range(3))
def test_answers_are_of_one_level_and_a_second_time_the_same(family, crowd, level, seed):
    asked = family(*ASKED[:4])
    once = answer_at(crowd(seed, 4), asked, level)
    assert {asked.levels[label] for label in once.labels.tolist()} == {level}
    assert rows(answer_at(once, asked, level)) == rows(once)


def test_no_boxes(family, boxes):
    assert answer_at(boxes(), family(*ASKED), 'class').bboxes.shape == (0, 4)


def test_unknown_level(family, boxes):
    with pytest.raises(ValueError, match=r"level must be one of .*got 'organ'"):
        answer_at(boxes(), family('liver'), 'organ')
