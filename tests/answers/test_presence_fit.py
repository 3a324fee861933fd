import math

import numpy as np
import pytest
from scipy.special import expit

from mmdet_medglip.answers import PresenceExamples, choose_threshold, fit_presence


def draw(slope: float, offset: float, count: int, phrase: str, seed: int) -> PresenceExamples:
    """Examples whose presence follows a known line."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0.0, 2.0, count)
    present = generator.random(count) < expit(slope * logits + offset)
    return PresenceExamples([phrase] * count, logits, present)


def joined(*parts: PresenceExamples) -> PresenceExamples:
    return PresenceExamples(
        [phrase for part in parts for phrase in part.phrases],
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.present for part in parts]),
    )


def test_the_line_that_made_the_data_is_found():
    found = fit_presence(draw(1.5, -1.0, 20000, 'liver', 0)).overall
    assert found.slope == pytest.approx(1.5, abs=0.06)
    assert found.offset == pytest.approx(-1.0, abs=0.06)


def test_global_fit_is_platts():
    # One logit each way: by symmetry the offset is 0, and the softened target of the positive is
    # (1 + 1) / (1 + 2), so expit(slope) = 2 / 3.
    found = fit_presence(PresenceExamples(['a', 'a'], np.array([1.0, -1.0]), np.array([1, 0]) > 0))
    assert found.overall.slope == pytest.approx(math.log(2), abs=1e-3)
    assert found.overall.offset == pytest.approx(0.0, abs=1e-3)


def test_classes_that_do_not_overlap_give_finite_numbers():
    logits = np.concatenate([np.full(50, 3.0), np.full(50, -3.0)])
    found = fit_presence(PresenceExamples(['a'] * 100, logits, logits > 0))
    for one in (found.overall, found.phrases['a']):
        assert 0.5 < one.slope < 10
        assert 0 < one.threshold < 1


def test_a_phrase_with_many_examples_goes_its_own_way_and_one_with_few_stays():
    many, few = draw(1.0, 2.0, 4000, 'many', 1), draw(1.0, 2.0, 4, 'few', 2)
    found = fit_presence(joined(draw(1.0, -2.0, 4000, 'rest', 3), many, few))
    common = found.overall.offset
    assert found.phrases['many'].offset == pytest.approx(2.0, abs=0.15)
    assert abs(found.phrases['few'].offset - common) < 0.6 * (2.0 - common)


def test_more_shrinkage_draws_a_phrase_closer():
    examples = joined(draw(1.0, -2.0, 500, 'rest', 4), draw(1.0, 2.0, 40, 'own', 5))
    fits = [fit_presence(examples, shrinkage=strength) for strength in (0.1, 10.0, 1e6)]
    away = [abs(fit.phrases['own'].offset - fit.overall.offset) for fit in fits]
    assert away[0] > away[1] > away[2]
    assert away[2] < 1e-3


@pytest.mark.parametrize('scale', [0.01, 100.0])
def test_probabilities_do_not_depend_on_the_scale_of_the_evidence(scale):
    examples = joined(draw(1.0, -2.0, 300, 'rest', 6), draw(1.0, 2.0, 20, 'own', 7))
    scaled = PresenceExamples(examples.phrases, examples.logits * scale, examples.present)
    one, other = fit_presence(examples).of('own'), fit_presence(scaled).of('own')
    assert other.slope * scale == pytest.approx(one.slope, rel=1e-3)
    assert other.offset == pytest.approx(one.offset, rel=1e-3, abs=1e-3)


def test_evidence_that_misleads_is_not_turned_round():
    logits = np.linspace(-2, 2, 40)
    found = fit_presence(PresenceExamples(['a'] * 40, logits, logits < 0))
    assert found.overall.slope == 0.0
    assert expit(found.overall.offset) == pytest.approx(0.5, abs=0.01)


def test_threshold_of_its_own_takes_examples_of_both_kinds():
    few = PresenceExamples(['few'] * 15, np.linspace(-1, 1, 15), np.arange(15) < 9)
    found = fit_presence(joined(draw(1.0, 0.0, 400, 'rest', 8), few), min_examples=10)
    assert found.phrases['rest'].own_threshold
    assert not found.phrases['few'].own_threshold
    assert found.phrases['few'].threshold == found.overall.threshold
    assert (found.phrases['few'].positives, found.phrases['few'].negatives) == (9, 6)


def test_a_phrase_that_every_image_has_leans_to_present():
    always = PresenceExamples(['always'] * 60, np.linspace(-2, 2, 60), np.ones(60) > 0)
    found = fit_presence(joined(draw(1.0, 0.0, 400, 'rest', 9), always))
    assert found.phrases['always'].offset > found.overall.offset + 1
    assert found.phrases['always'].threshold == found.overall.threshold


def test_spellings_of_a_phrase_are_one():
    examples = draw(1.0, 0.0, 40, 'Left_Kidney', 10)
    found = fit_presence(joined(examples, draw(1.0, 0.0, 40, 'left kidney', 11)))
    assert list(found.phrases) == ['Left_Kidney']
    assert found.phrases['Left_Kidney'].positives + found.phrases['Left_Kidney'].negatives == 80


def test_what_was_asked_for_is_written_down():
    found = fit_presence(
        draw(1.0, 0.0, 50, 'a', 12), evidence='box_score', criterion='f1', weights='d', source='s'
    )
    assert (found.evidence, found.criterion, found.weights, found.source) == (
        'box_score',
        'f1',
        'd',
        's',
    )


PROBABILITY = np.array([0.9, 0.8, 0.6, 0.5, 0.3, 0.2])
PRESENT = np.array([1, 1, 0, 1, 0, 1], bool)


@pytest.mark.parametrize(
    ('criterion', 'target', 'expected'),
    [
        # Present at 0.9, 0.8, 0.5 and 0.2: three of four are kept from 0.5 on.
        pytest.param('recall', 0.75, (0.5 + 0.3) / 2, id='recall-exactly-reached'),
        pytest.param('recall', 0.76, 0.0, id='recall-that-takes-all'),
        pytest.param('recall', 0.25, (0.9 + 0.8) / 2, id='recall-of-one'),
        # F1 from the top: 2*1/(1+4), 2*2/(2+4), 2*2/(3+4), 2*3/(4+4), 2*3/(5+4), 2*4/(6+4) = 0.8.
        pytest.param('f1', 0.95, 0.0, id='f1'),
    ],
)
def test_threshold_by_hand(criterion, target, expected):
    assert choose_threshold(PROBABILITY, PRESENT, criterion, target) == pytest.approx(expected)


def test_best_f1_lies_between():
    present = np.array([1, 1, 0, 0, 0, 0], bool)
    assert choose_threshold(PROBABILITY, present, 'f1') == pytest.approx(0.7)


def test_equal_probabilities_stay_together():
    probability, present = np.array([0.7, 0.7, 0.7, 0.1]), np.array([1, 0, 1, 0], bool)
    assert choose_threshold(probability, present, 'recall', 0.5) == pytest.approx(0.4)


@pytest.mark.parametrize('target', [0.5, 0.9, 0.95, 1.0])
def test_threshold_keeps_the_recall_it_promises(target):
    examples = draw(1.0, 0.0, 500, 'a', 13)
    probability = expit(examples.logits)
    at = choose_threshold(probability, examples.present, 'recall', target)
    kept = (probability >= at)[examples.present].mean()
    assert target <= kept < target + 0.01 or kept == 1.0


def test_one_kind_of_examples_is_an_error():
    examples = PresenceExamples(['a'] * 3, np.zeros(3), np.ones(3) > 0)
    with pytest.raises(ValueError, match='3 present and 0 absent phrases, it takes both'):
        fit_presence(examples)
    with pytest.raises(ValueError, match='0 present and 0 absent'):
        fit_presence(PresenceExamples([], np.empty(0), np.empty(0, bool)))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param(dict(shrinkage=0.0), 'shrinkage must be positive, got 0.0', id='shrinkage'),
        pytest.param(dict(criterion='mood'), "criterion must be one of .* got 'mood'", id='mood'),
        pytest.param(dict(target=0.0), r'target must be in \(0, 1\], got 0.0', id='target'),
        pytest.param(dict(evidence='mood'), 'evidence must be one of', id='evidence'),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        fit_presence(draw(1.0, 0.0, 50, 'a', 14), **options)


def test_bad_examples_are_named():
    with pytest.raises(ValueError, match='one length, got 1, 2 and 2'):
        PresenceExamples(['a'], np.zeros(2), np.ones(2) > 0)
    with pytest.raises(ValueError, match='must be finite'):
        PresenceExamples(['a'], np.array([np.nan]), np.ones(1) > 0)
    with pytest.raises(ValueError, match='at least one image that has the phrase'):
        choose_threshold(np.array([0.5]), np.array([False]), 'recall')
