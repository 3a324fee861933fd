import math

import pytest

from mmdet_medglip.downstream.vqa import FIGURES, VqaAnswer, score_answers


def answers_to(records, *texts):
    return [
        VqaAnswer(record.question_id, record.image_id, text, '', (), 'm', 'none', 's')
        for record, text in zip(records, texts, strict=True)
    ]


@pytest.fixture
def scores(make_records):
    records = make_records(6, images=False)
    # True answers in turn: yes, left kidney.
    return score_answers(
        records,
        answers_to(records, 'Yes', 'left kidney', 'no', 'the kidney', 'yes, it is', 'a liver'),
    )


def test_figures_by_hand(scores):
    assert scores.figures() == pytest.approx(
        {
            'closed_accuracy': 2 / 3,
            'closed_exact': 1 / 3,
            'open_recall': (1 + 1 / 2 + 0) / 3,
            'open_precision': (1 + 1 + 0) / 3,
            'open_f1': (1 + 2 / 3 + 0) / 3,
            'open_exact': 1 / 3,
            'exact': 2 / 6,
        }
    )
    assert scores.counts() == {name: 6 if name == 'exact' else 3 for name in FIGURES}


def test_columns_and_patients(scores):
    assert scores.column('closed_accuracy')[::2].tolist() == [1, 0, 1]
    assert all(map(math.isnan, scores.column('closed_accuracy')[1::2]))
    assert [one.patient_id for one in scores.questions] == ['p0', 'p0', 'p1', 'p1', 'p2', 'p2']
    with pytest.raises(ValueError, match="no figure 'accuracy'"):
        scores.column('accuracy')


def test_intervals_hold_the_value(scores):
    found = scores.intervals(repeats=50)['open_recall']
    assert found.value == pytest.approx(0.5)
    assert 0 <= found.low < 0.5 < found.high <= 1


def test_a_set_without_open_questions_has_no_open_figures(make_records):
    records = make_records(6, images=False)[::2]
    scores = score_answers(records, answers_to(records, 'yes', 'yes', 'no'))
    assert math.isnan(scores.figures()['open_recall'])
    assert scores.counts()['open_recall'] == 0
    assert math.isnan(scores.intervals(repeats=5)['open_recall'].value)


def test_order_of_answers_does_not_matter(make_records, scores):
    records = make_records(6, images=False)
    texts = ('Yes', 'left kidney', 'no', 'the kidney', 'yes, it is', 'a liver')
    backwards = answers_to(records, *texts)[::-1]
    assert score_answers(records, backwards).figures() == scores.figures()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(lambda a: a[1:], "1 of 4 questions have no answer.*'q0'", id='missing'),
        pytest.param(lambda a: [*a, a[0]], "'q0' has two answers", id='two'),
    ],
)
def test_answers_must_fit(make_records, change, message):
    records = make_records(4, images=False)
    with pytest.raises(ValueError, match=message):
        score_answers(records, change(answers_to(records, *'abcd')))


def test_answers_to_other_questions(make_records):
    records = make_records(4, images=False)
    with pytest.raises(ValueError, match=r"1 answers are to questions that are not .*'q3'"):
        score_answers(records[:3], answers_to(records, *'abcd'))
