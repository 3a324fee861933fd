"""Risk and coverage of answers that may be left out or given at a coarser level."""

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import risk_coverage


def test_one_level_by_hand():
    curve = risk_coverage([0.6, 0.9, 0.3, 0.8], [False, True, True, True])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.6, 0.3]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)


def test_equal_scores_are_answered_together():
    curve = risk_coverage([0.5, 0.5, 0.9], [True, False, True])
    assert curve.coverage.tolist() == pytest.approx([1 / 3, 1])
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3])
    assert curve.area == pytest.approx(2 / 3 * 1 / 3)


def test_back_off_by_hand():
    scores = [[0.9, 0.95, 0.99], [0.4, 0.7, 0.8], [0.6, 0.5, 0.2]]
    correct = [[True, True, True], [False, True, True], [False, False, True]]
    curve = risk_coverage(scores, correct, thresholds=[0.97, 0.85, 0.65, 0.55, 0.3])
    # First candidate: region at 0.97, label from 0.85 down. Second: class from 0.65 down, label
    # from 0.3 down. Third: label from 0.55 down.
    third = 1 / 3
    assert curve.answered.tolist() == [
        pytest.approx(row)
        for row in (
            [0, 0, third],
            [third, 0, 0],
            [third, third, 0],
            [2 * third, third, 0],
            [1, 0, 0],
        )
    ]
    assert curve.coverage.tolist() == pytest.approx([third, third, 2 * third, 1, 1])
    assert curve.risk.tolist() == pytest.approx([0, 0, 0, third, 2 * third])


def test_it_agrees_with_answering_one_by_one():
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 12, (80, 3)) / 11
    scores[rng.uniform(size=scores.shape) < 0.1] = -np.inf
    correct = rng.uniform(size=scores.shape) < 0.6
    curve = risk_coverage(scores, correct)
    for step, coverage, risk in zip(curve.thresholds, curve.coverage, curve.risk, strict=True):
        answers = [
            next((right for score, right in zip(*row, strict=True) if score >= step), None)
            for row in zip(scores, correct, strict=True)
        ]
        given = [answer for answer in answers if answer is not None]
        assert coverage == pytest.approx(len(given) / 80)
        assert risk == pytest.approx(1 - sum(given) / len(given))
    assert (np.diff(curve.coverage) >= 0).all()


def test_coarser_levels_widen_the_coverage_at_every_threshold():
    rng = np.random.default_rng(2)
    fine = rng.uniform(size=50)
    scores = np.stack([fine, np.maximum(fine, rng.uniform(size=50))], axis=1)
    steps = np.linspace(0.9, 0.1, 9)
    alone = risk_coverage(fine, np.ones(50, bool), steps)
    both = risk_coverage(scores, np.ones((50, 2), bool), steps)
    assert (both.coverage >= alone.coverage).all()
    assert (both.coverage > alone.coverage).any()


@pytest.mark.parametrize('count', [0, 2])
def test_nothing_answered(count):
    curve = risk_coverage(np.full(count, 0.3), np.ones(count, bool), thresholds=[0.5])
    assert np.isnan(curve.risk).all()
    assert np.isnan(curve.area)
    assert curve.coverage[0] == 0 if count else np.isnan(curve.coverage[0])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(([0.5], [[True]]), r'one shape .* got \[1\] and \[1, 1\]', id='shapes'),
        pytest.param(([np.nan], [True]), 'must not be NaN', id='nan'),
        pytest.param(([0.5], [True], []), 'at least one threshold', id='no-threshold'),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        risk_coverage(*arguments)
