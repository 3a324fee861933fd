"""Label if it is sure enough, else class, else region, else nothing."""

import pytest

from mmdet_medglip.answers.hierarchy import BackOff, back_off

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]


def rows(found) -> list[tuple[int, float, list[float]]]:
    values = zip(found.labels, found.scores, found.bboxes, strict=True)
    return [(int(a), round(float(b), 4), c.tolist()) for a, b, c in values]


@pytest.mark.parametrize(
    ('threshold', 'combine', 'expected'),
    [
        pytest.param(0.3, 'max', [(0, 0.5, A), (1, 0.4, NEAR)], id='sure-enough'),
        # The kidney answers for the right one; its confidence there is that of the left one.
        pytest.param(0.45, 'max', [(2, 0.5, NEAR), (0, 0.5, A)], id='one-backs-off'),
        pytest.param(0.6, 'max', [], id='nobody-is-sure'),
        pytest.param(0.6, 'noisy_or', [(2, 0.7, A)], id='together-they-are'),
        pytest.param(
            {'label': 0.6, 'class': 0.8, 'region': 0.65},
            'noisy_or',
            [(3, 0.7, A)],
            id='up-to-the-region',
        ),
    ],
)
def test_parents_that_were_not_asked(family, boxes, threshold, combine, expected):
    asked = family('left kidney', 'right kidney')  # then kidney, abdomen
    found = boxes((0, 0.5, A), (1, 0.4, NEAR))
    assert rows(back_off(found, asked, BackOff(threshold, combine))) == expected


@pytest.mark.parametrize(
    ('kidney', 'expected'),
    [
        pytest.param((1, 0.6, NEAR), [(1, 0.6, NEAR)], id='the-parent-answers-by-its-own-box'),
        pytest.param((1, 0.6, FAR), [(1, 0.6, FAR)], id='the-parent-is-elsewhere'),
        pytest.param((1, 0.2, NEAR), [], id='the-parent-is-unsure-too'),
    ],
)
def test_parents_that_were_asked(family, boxes, kidney, expected):
    asked = family('left kidney', 'kidney')  # then abdomen
    found = boxes((0, 0.3, A), kidney)
    assert rows(back_off(found, asked, BackOff(0.5))) == expected


def test_a_parent_without_a_box_there_passes_the_question_on(family, boxes):
    asked = family('left kidney', 'kidney', 'abdomen')
    found = boxes((0, 0.3, A), (2, 0.9, NEAR), (0, 0.3, FAR))
    assert rows(back_off(found, asked, BackOff(0.5))) == [(2, 0.9, NEAR)]


def test_words_without_relatives_answer_or_leave(family, boxes):
    asked = family('zebra', 'quagga')
    found = boxes((0, 0.3, A), (1, 0.6, A))
    assert rows(back_off(found, asked, BackOff(0.5))) == [(1, 0.6, A)]


def test_two_that_back_off_to_one_thing_are_one_answer(family, boxes):
    asked = family('left kidney', 'right kidney')
    found = boxes((0, 0.4, A), (1, 0.4, NEAR), (1, 0.4, FAR))
    answers = rows(back_off(found, asked, BackOff({'label': 0.5, 'class': 0.3, 'region': 0.3})))
    assert answers == [(2, 0.4, A), (2, 0.4, FAR)]


@pytest.mark.parametrize('combine', ['max', 'noisy_or'])
@pytest.mark.parametrize('ask_above', [False, True])
@pytest.mark.parametrize('seed', range(3))
def test_every_answer_is_sure_enough(family, crowd, combine, ask_above, seed):
    asked = family('left kidney', 'liver', 'kidney', 'spleen', 'zebra', ask_above=ask_above)
    least = {'label': 0.7, 'class': 0.5, 'region': 0.4}
    found = crowd(seed, asked.num_asked)
    answers = back_off(found, asked, BackOff(least, combine))
    assert 0 < len(answers) < len(found)
    for label, score, _ in rows(answers):
        assert score >= least[asked.levels[label] or 'label'] - 1e-4
    assert rows(back_off(found, asked, BackOff(0.0))) == rows(
        back_off(found, asked, BackOff(0.0, combine))
    ), 'without a threshold nobody backs off'


def test_no_boxes(family, boxes):
    assert back_off(boxes(), family('left kidney'), BackOff(0.5)).bboxes.shape == (0, 4)


@pytest.mark.parametrize(
    ('threshold', 'message'),
    [
        pytest.param(1.5, r'in \[0, 1\], got 1\.5', id='too-large'),
        pytest.param({'label': 0.5}, "each of .*got {'label': 0.5}", id='missing-levels'),
        pytest.param('high', r"in \[0, 1\], got 'high'", id='no-number'),
    ],
)
def test_bad_thresholds(threshold, message):
    with pytest.raises(ValueError, match=message):
        BackOff(threshold)
