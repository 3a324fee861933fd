"""Scores of single answers and reports."""

import math

import pytest

from mmdet_medglip.downstream.ablation import FindingCounts, count_findings, score_answer


@pytest.mark.parametrize(
    ('truth', 'answer', 'kind', 'value'),
    [
        pytest.param('yes', 'Yes', 'closed', 1, id='right'),
        pytest.param('no', 'Yes', 'closed', 0, id='wrong'),
        pytest.param('yes', '', 'closed', 0, id='silent'),
        pytest.param('upper left', 'Lower left', 'open', 0.5, id='half of the words'),
        pytest.param('two', '2', 'open', 1, id='a number is a number'),
        pytest.param('left', 'Right', 'open', 0, id='other word'),
    ],
)
def test_answers(truth, answer, kind, value):
    assert score_answer(truth, answer, kind).value == value


def test_findings_are_pairs_of_label_and_side():
    truth = [('nodule', 'left'), ('pneumonia', '')]
    assert count_findings(truth, [['nodule', 'left']]) == FindingCounts(1, 1, 2)
    assert count_findings(truth, [['nodule', 'right']]) == FindingCounts(0, 1, 2)
    assert count_findings([], []) == FindingCounts(0, 0, 0)


def test_counts_add_up():
    counts = FindingCounts(1, 1, 2) + FindingCounts(1, 3, 1)
    assert (counts.precision, counts.recall) == (2 / 4, 2 / 3)
    assert counts.f1 == pytest.approx(4 / 7)
    assert math.isnan(FindingCounts().f1)
