"""Regions in, words out."""

import pytest
import torch

CT = ['liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'gallbladder', 'pancreas']
SIZES = [(12, 12), (6, 6), (3, 3), (2, 2), (1, 1)]  # of a 96-pixel image, strides 8 to 128


def logit(probability: float) -> float:
    return float(torch.tensor(probability).logit())


@pytest.fixture
def model(build, monkeypatch):
    """A model whose alignment is written by hand: 'liver' at one place, 'spleen' at another.

    Boxes are the priors: 64 pixels around the centre of each place of the finest level.
    """
    made = build('ct')

    def forward(features, text):
        logits = [torch.full((len(text), h * w, text.mask.shape[1]), -9.0) for h, w in SIZES]
        for image, (liver, spleen) in enumerate(text.token_maps):
            logits[0][image, 5 * 12 + 5, liver] = logit(0.8)
            logits[0][image, 5 * 12 + 5, spleen] = logit(0.5)
            logits[0][image, 5 * 12 + 8, spleen] = logit(0.9)
        deltas = [torch.zeros(len(text), 4, h, w) for h, w in SIZES]
        return logits, deltas, [torch.zeros(len(text), 1, h, w) for h, w in SIZES]

    monkeypatch.setattr(made.bbox_head, 'forward', forward)
    return made


# The prior of place (5, 5) is 64 pixels around (44, 44), that of (5, 8) around (68, 44).
AT = torch.tensor([[12.0, 12, 76, 76], [36, 12, 96, 76]])


def test_scores_at_the_place_of_the_box(model, images, sample):
    ranked = model.rank_labels(images[:1], sample(None, shape=(96, 96)), AT, CT[:2], num_places=1)
    assert ranked.labels == ('liver', 'spleen')
    assert ranked.order.tolist() == [[0, 1], [1, 0]]
    torch.testing.assert_close(ranked.scores[0], torch.tensor([0.8, 0.5]))
    assert ranked.scores[1, 0] == pytest.approx(0.9, abs=1e-5)
    assert ranked.scores[1, 1] < 0.01
    # Odds 4 and 1.
    torch.testing.assert_close(ranked.probabilities[0], torch.tensor([0.8, 0.2]))
    assert (ranked.overlap > 0.99).all()


def test_more_places_look_further(model, images, sample):
    one = sample(None, shape=(96, 96))
    # The place of the spleen is 3 steps of 8 pixels away; those nearer come first.
    for places, best in ((1, 0), (9, 0), (200, 1)):
        ranked = model.rank_labels(images[:1], one, AT[:1], CT[:2], num_places=places)
        assert ranked.order[0, 0] == best


def test_boxes_are_in_pixels_of_the_original(model, images, sample):
    half = sample(None, shape=(96, 96), scale_factor=(0.5, 0.5))
    network = model.rank_labels(images[:1], half, AT, CT[:2], rescale=False)
    original = model.rank_labels(images[:1], half, 2 * AT, CT[:2])
    assert torch.equal(network.order, original.order)
    torch.testing.assert_close(network.scores, original.scores)
    assert (original.overlap > 0.98).all()


@pytest.mark.parametrize('limit', [64, 12], ids=['one-part', 'several-parts'])
def test_parts_are_ranked_together(build, images, sample, limit):
    model = build('ct', language_model__max_tokens=limit)
    one = sample(None, shape=(96, 96))
    ranked = model.rank_labels(images[:1], one, AT, CT)
    assert ranked.order.sort(dim=1).values.tolist() == [[*range(len(CT))]] * 2
    assert (ranked.scores.diff(dim=1) <= 0).all()
    torch.testing.assert_close(ranked.probabilities.sum(1), torch.ones(2))
    parts = model.parts_of(model._question_of(sample(CT)).prompt)
    assert (len(parts) > 1) == (limit == 12)
    first = 0
    for part in parts:
        alone = model.rank_labels(images[:1], one, AT, part.phrases)
        for row in range(2):
            scores = dict(zip(ranked.order[row].tolist(), ranked.scores[row].tolist(), strict=True))
            for label, score in zip(alone.order[row].tolist(), alone.scores[row], strict=True):
                assert scores[first + label] == pytest.approx(float(score), abs=1e-5)
        first += len(part)


def test_image_features_are_computed_once(build, images, sample):
    model = build('ct', language_model__max_tokens=12)
    calls = []
    model.backbone.register_forward_hook(lambda *_: calls.append(1))
    model.rank_labels(images[:1], sample(None, shape=(96, 96)), AT, CT)
    assert calls == [1]


@torch.no_grad()
def test_a_predicted_box_gets_the_score_it_was_predicted_with(build, images, sample):
    model = build('ct')
    found = model.predict(images[:1], [sample(CT, shape=(96, 96))])[0].pred_instances
    ranked = model.rank_labels(images[:1], sample(None, shape=(96, 96)), found.bboxes, CT)
    assert ranked.overlap.min() > 0.99
    own = ranked.scores[ranked.order == found.labels[:, None]]
    # Predicted: the root of alignment times centerness, which is at most 1.
    assert (own >= found.scores**2 - 1e-5).all()


def test_no_boxes(model, images, sample):
    ranked = model.rank_labels(images[:1], sample(None, shape=(96, 96)), torch.zeros(0, 4), CT[:2])
    assert ranked.order.shape == (0, 2)


@pytest.mark.parametrize(
    ('boxes', 'labels', 'message'),
    [
        pytest.param(AT, [], 'Empty prompt', id='no-label'),
        pytest.param(AT, ['liver', ' '], "phrase '' is empty", id='blank-label'),
        pytest.param([[5.0, 5, 5, 9]], CT[:2], r'Box 0 is \[5\.0', id='empty-box'),
    ],
)
def test_bad_input(model, images, sample, boxes, labels, message):
    with pytest.raises(ValueError, match=message):
        model.rank_labels(images[:1], sample(None, shape=(96, 96)), boxes, labels)
