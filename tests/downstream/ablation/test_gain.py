"""Conditions side by side, by hand."""

import math

import pytest

from mmdet_medglip.downstream.ablation import ScoredItem, compare_conditions


def answers(values, measure='closed_accuracy', wholes=None):
    wholes = wholes or [1.0] * len(values)
    return [
        ScoredItem(f'q{n}', f'p{n // 2}', measure, part, whole)
        for n, (part, whole) in enumerate(zip(values, wholes, strict=True))
    ]


def test_values_and_differences_over_seeds():
    runs = {
        'none': {0: answers([0, 0, 1, 1]), 1: answers([0, 0, 0, 1])},
        'true': {0: answers([1, 1, 1, 1]), 1: answers([1, 1, 1, 1])},
    }
    (gain,) = compare_conditions(runs)
    assert (gain.items, gain.patients) == (4, 2)
    assert gain.values['none'].value == 3 / 8 and gain.values['true'].value == 1
    assert gain.by_seed == {'none': (0.5, 0.25), 'true': (1.0, 1.0)}
    assert gain.difference_by_seed == {'true': (0.5, 0.75)}
    found = gain.differences['true']
    assert found.difference == 5 / 8
    assert (found.low, found.high) == (0.25, 1.0)  # one patient gains all, the other a quarter


def test_f1_is_over_all_findings_together():
    runs = {
        'none': {0: answers([2, 0, 0, 0], 'finding_f1', [2, 6, 0, 0])},
        'true': {0: answers([2, 4, 0, 0], 'finding_f1', [2, 6, 0, 0])},
    }
    (gain,) = compare_conditions(runs)
    assert gain.values['none'].value == 2 / 8  # not the mean of 1 and 0
    assert gain.differences['true'].difference == 0.5


def test_equal_answers_differ_by_nothing():
    runs = {name: {0: answers([1, 0, 1, 0])} for name in ('none', 'shuffled')}
    found = compare_conditions(runs)[0].differences['shuffled']
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_measures_are_apart():
    items = [*answers([1, 0]), *answers([0.5, 1], 'open_recall')]
    gains = compare_conditions({'none': {0: items}, 'true': {0: items}})
    assert [gain.measure for gain in gains] == ['closed_accuracy', 'open_recall']


def test_one_patient_has_no_interval():
    gains = compare_conditions({'none': {0: answers([1, 0])}, 'true': {0: answers([1, 1])}})
    assert math.isnan(gains[0].differences['true'].low)


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        pytest.param({0: answers([1])}, 'other questions', id='fewer items'),
        pytest.param({1: answers([1, 0])}, 'has the seeds', id='another seed'),
    ],
)
def test_runs_must_be_of_the_same_questions(other, message):
    with pytest.raises(ValueError, match=message):
        compare_conditions({'none': {0: answers([1, 0])}, 'true': other})


def test_the_reference_must_be_there():
    with pytest.raises(ValueError, match="expected 'none'"):
        compare_conditions({'true': {0: answers([1])}})
