"""Regions in, words out: scores of places by hand."""

import pytest
import torch

from mmdet_medglip.answers.region_labels import rank_by_score, scores_at_boxes

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 5], [50, 50, 60, 60]])
SCORES = torch.tensor([[0.2, 0.6], [0.3, 0.1], [0.8, 0.0], [0.9, 0.9]])
GIVEN = torch.tensor([[0.0, 0, 10, 10], [52, 52, 60, 60], [80, 80, 90, 90]])


@pytest.mark.parametrize(
    ('places', 'first'),
    [
        pytest.param(1, [0.2, 0.6], id='the-best-place-alone'),
        pytest.param(2, [0.3, 0.6], id='the-best-of-two'),
        pytest.param(3, [0.8, 0.6], id='the-best-of-three'),
        pytest.param(4, [0.8, 0.6], id='a-place-elsewhere-never-counts'),
        pytest.param(99, [0.8, 0.6], id='more-than-there-are'),
    ],
)
def test_places_that_overlap_best(places, first):
    scores, overlap = scores_at_boxes(GIVEN, BOXES, SCORES, places)
    torch.testing.assert_close(scores, torch.tensor([first, [0.9, 0.9], [0.0, 0.0]]))
    torch.testing.assert_close(overlap, torch.tensor([1.0, 0.64, 0.0]))


def test_many_boxes_are_compared_in_parts(monkeypatch):
    whole = scores_at_boxes(GIVEN, BOXES, SCORES)
    monkeypatch.setattr('mmdet_medglip.answers.region_labels._PLACES_AT_ONCE', 4)
    for part, expected in zip(scores_at_boxes(GIVEN, BOXES, SCORES), whole, strict=True):
        assert torch.equal(part, expected)


def test_ranks_and_probabilities():
    scores = torch.tensor([[0.2, 0.5, 0.5], [0.0, 0.0, 0.0]])
    ranked = rank_by_score(scores, torch.tensor([0.9, 0.0]), ('a', 'b', 'c'))
    assert ranked.order.tolist() == [[1, 2, 0], [0, 1, 2]]
    torch.testing.assert_close(ranked.scores[0], torch.tensor([0.5, 0.5, 0.2]))
    # Odds 1, 1 and 1/4.
    assert ranked.best(0) == [
        ('b', pytest.approx(4 / 9)),
        ('c', pytest.approx(4 / 9)),
        ('a', pytest.approx(1 / 9)),
    ]
    assert ranked.best(1, 1) == [('a', pytest.approx(1 / 3))]
    assert len(ranked) == 2


def test_a_sure_label_leaves_the_others_nothing():
    ranked = rank_by_score(torch.tensor([[1.0, 0.5]]), torch.ones(1), ('a', 'b'))
    assert ranked.best(0, 1) == [('a', pytest.approx(1, abs=1e-4))]


def test_no_boxes():
    scores, overlap = scores_at_boxes(torch.zeros(0, 4), BOXES, SCORES)
    assert scores.shape == (0, 2)
    assert len(rank_by_score(scores, overlap, ('a', 'b'))) == 0


@pytest.mark.parametrize(
    ('given', 'places', 'message'),
    [
        pytest.param([[0.0, 0, 0, 5]], 9, r'Box 0 is \[0\.0, 0\.0, 0\.0, 5\.0\]', id='empty'),
        pytest.param([[0.0, 0, 5, 5], [5.0, 0, 2, 5]], 9, r'Box 1 .*x1 < x2', id='turned'),
        pytest.param([[0.0, 0, float('nan'), 5]], 9, 'finite', id='nan'),
        pytest.param([0.0, 0, 5, 5], 9, r'shape \(n, 4\), got \(4,\)', id='shape'),
        pytest.param([[0.0, 0, 5, 5]], 0, 'num_places must be at least 1', id='places'),
    ],
)
def test_bad_input(given, places, message):
    with pytest.raises(ValueError, match=message):
        scores_at_boxes(torch.tensor(given), BOXES, SCORES, places)
