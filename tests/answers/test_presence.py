import math

import numpy as np
import pytest

from mmdet_medglip.answers import (
    PhrasePresence,
    PresenceCalibration,
    box_logits,
    judge_presence,
)

PLAIN = PhrasePresence(1.0, 0.0, 0.5)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_each_phrase_by_its_own_line_and_threshold():
    stone = PhrasePresence(slope=2.0, offset=-1.0, threshold=0.8)
    calibration = PresenceCalibration('presence_head', PLAIN, {'kidney stone': stone})
    answer = judge_presence([1.0, 1.0, -0.1], ['kidney stone', 'cyst', 'liver'], calibration)
    assert answer.probability.tolist() == pytest.approx(
        [sigmoid(2 * 1.0 - 1.0), sigmoid(1.0), sigmoid(-0.1)]
    )
    assert answer.threshold.tolist() == [0.8, 0.5, 0.5]
    assert answer.present.tolist() == [False, True, False]


@pytest.mark.parametrize('spelling', ['Kidney Stone', 'kidney_stone', 'kidney-stone '])
def test_spelling_of_a_phrase_makes_no_difference(spelling):
    stone = PhrasePresence(2.0, 0.0, 0.5)
    calibration = PresenceCalibration('presence_head', PLAIN, {'kidney stone': stone})
    assert calibration.of(spelling) is stone
    assert calibration.of('kidney') is PLAIN


def test_a_probability_at_the_threshold_is_there():
    answer = judge_presence([0.0], ['liver'], PresenceCalibration('presence_head', PLAIN))
    assert answer.present.tolist() == [True]


def test_no_phrase_present_is_an_answer():
    answer = judge_presence([-3.0, -4.0], ['a', 'b'], PresenceCalibration('presence_head', PLAIN))
    assert not answer.present.any()
    assert answer.probability.shape == (2,)


def test_far_logits_stay_probabilities():
    answer = judge_presence([1e4, -1e4], ['a', 'b'], PresenceCalibration('presence_head', PLAIN))
    assert answer.probability.tolist() == [1.0, 0.0]


def test_one_logit_for_each_phrase():
    with pytest.raises(ValueError, match=r'each of 2 phrases, got an array of shape \(1,\)'):
        judge_presence([0.0], ['a', 'b'], PresenceCalibration('presence_head', PLAIN))


def test_evidence_of_boxes_is_the_best_score_of_the_phrase():
    found = box_logits([0.2, 0.8, 0.5], [2, 0, 0], 3)
    expected = [math.log(4), math.log(0.001 / 0.999), math.log(0.25)]
    assert found.tolist() == pytest.approx(expected)
    assert box_logits(np.empty(0), np.empty(0), 2).tolist() == pytest.approx([expected[1]] * 2)
    assert np.isfinite(box_logits([1.0], [0], 1)).all()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param(dict(slope=-0.1), 'slope must be .* got -0.1', id='slope'),
        pytest.param(dict(offset=math.inf), 'offset must be .* got inf', id='offset'),
        pytest.param(dict(threshold=1.1), r'threshold must be in \[0, 1\]', id='threshold'),
        pytest.param(dict(negatives=-1), 'must be at least 0', id='count'),
    ],
)
def test_numbers_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        PhrasePresence(**(dict(slope=1.0, offset=0.0, threshold=0.5) | changes))


def test_unknown_evidence_and_doubled_phrases_are_refused():
    with pytest.raises(ValueError, match=r"evidence must be one of .* got 'mood'"):
        PresenceCalibration('mood', PLAIN)
    with pytest.raises(ValueError, match='two spellings of one phrase'):
        PresenceCalibration('box_score', PLAIN, {'left kidney': PLAIN, 'Left_Kidney': PLAIN})
