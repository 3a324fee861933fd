"""The head: scores and losses by hand, half-open boxes, empty and ignored images."""

import math

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmdet_medglip.models.language_models import TextFeatures
from mmdet_medglip.registry import MODELS

SIZES = [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]
PLACES = sum(h * w for h, w in SIZES)
LOW = -20.0
"""Logit of a place that is sure to be nothing."""


@pytest.fixture
def build(glip_settings):
    settings, _, test_cfg, train_cfg = glip_settings

    def make(test: dict | None = None, **changes: object):
        torch.manual_seed(0)
        config = settings | dict(type='MedGroundingHead', in_channels=8, text_channels=12)
        config |= dict(train_cfg=train_cfg, test_cfg=test_cfg | (test or {}))
        return MODELS.build(ConfigDict(config | changes))

    return make


def prompts(batch: int = 1) -> TextFeatures:
    """'[CLS] left kidney . liver [SEP]' with one token of padding; phrases of two and one token."""
    hidden = torch.randn(batch, 7, 12, generator=torch.manual_seed(3))
    mask = torch.tensor([[True] * 6 + [False]] * batch)
    owned = torch.zeros(2, 7, dtype=torch.bool)
    owned[0, 1:3] = owned[1, 4] = True
    return TextFeatures(hidden, mask, (owned,) * batch)


def row_of(text: TextFeatures, row: int) -> TextFeatures:
    part = slice(row, row + 1)
    return TextFeatures(text.hidden[part], text.mask[part], text.token_maps[part])


def maps(batch: int = 1) -> list[torch.Tensor]:
    generator = torch.manual_seed(4)
    return [torch.randn(batch, 8, *size, generator=generator) for size in SIZES]


def outputs(logit: float = LOW) -> tuple[list, list, list]:
    """Predictions of one image: every logit alike, no delta, centerness logit 0."""
    return (
        [torch.full((1, h * w, 7), logit) for h, w in SIZES],
        [torch.zeros(1, 4, h, w) for h, w in SIZES],
        [torch.zeros(1, 1, h, w) for h, w in SIZES],
    )


def gt(boxes: list, labels: list) -> InstanceData:
    return InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4), labels=torch.tensor(labels, dtype=torch.long)
    )


def meta(shape: tuple[int, int] = (128, 128), scale: float = 1.0) -> dict:
    return dict(img_shape=shape, scale_factor=(scale, scale))


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@torch.no_grad()
def test_shapes_level_by_level(build):
    logits, deltas, centerness = build()(maps(2), prompts(2))
    assert [tuple(x.shape) for x in logits] == [(2, h * w, 7) for h, w in SIZES]
    assert [tuple(x.shape) for x in deltas] == [(2, 4, h, w) for h, w in SIZES]
    assert [tuple(x.shape) for x in centerness] == [(2, 1, h, w) for h, w in SIZES]


@torch.no_grad()
def test_alignment_by_its_formula(build):
    head, text, features = build(), prompts(), maps()
    torch.nn.init.normal_(head.text_bias)
    head.log_scale.fill_(0.3)
    token, place = text.hidden[0, 4], features[1][0, :, 2, 5]
    unit = token / token.norm()
    projected = head.text_projection.weight @ (unit / 2) + head.text_projection.bias
    expected = place @ projected / math.exp(0.3) + unit @ head.text_bias + head.prior_bias
    assert head(features, text)[0][1][0, 2 * 8 + 5, 4] == pytest.approx(expected.item(), rel=1e-4)


def test_scores_start_low(build):
    # Focal loss is stable when all places start as background: prior probability 0.01.
    head = build()
    assert torch.sigmoid(head.prior_bias).item() == pytest.approx(0.01)


@torch.no_grad()
def test_score_is_the_root_of_mean_probability_times_centerness(build):
    head, (logits, deltas, centerness) = build(), outputs()
    place = 5 * 16 + 7  # row 5, column 7 of the finest level
    logits[0][0, place, 1], logits[0][0, place, 2] = logit(0.9), logit(0.5)
    logits[0][0, place, 4] = logit(0.3)
    centerness[0][0, 0, 5, 7] = logit(0.8)
    (found,) = head.predict_by_feat(logits, deltas, centerness, prompts(), [meta()])
    assert found.labels.tolist() == [0, 1]
    expected = [math.sqrt((0.9 + 0.5) / 2 * 0.8), math.sqrt(0.3 * 0.8)]
    assert found.scores.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ('level', 'row', 'column', 'box'),
    [
        # Stride 8, anchor side 64, centre (8 * 7 + 4, 8 * 5 + 4) = (60, 44).
        pytest.param(0, 5, 7, [28, 12, 92, 76], id='inside'),
        pytest.param(0, 0, 0, [0, 0, 36, 36], id='clipped-at-0'),
        pytest.param(0, 15, 15, [92, 92, 128, 128], id='clipped-at-the-far-border'),
        # Stride 16, side 128, centre (56, 72).
        pytest.param(1, 4, 3, [0, 8, 120, 128], id='next-level'),
    ],
)
@torch.no_grad()
def test_zero_delta_is_the_anchor_in_half_open_corners(build, level, row, column, box):
    head, (logits, deltas, centerness) = build(), outputs()
    logits[level][0, row * SIZES[level][1] + column, 4] = 3.0
    (found,) = head.predict_by_feat(logits, deltas, centerness, prompts(), [meta()])
    assert found.labels.tolist() == [1]
    assert found.bboxes[0].tolist() == pytest.approx(box, abs=1e-4)


def test_a_box_equal_to_its_anchor_has_no_box_loss(build):
    # The finest anchor at row 5, column 7 as truth, centre (60, 44): the perfect delta is zero.
    head, (logits, deltas, centerness) = build(), outputs()
    truth = gt([[28.0, 12.0, 92.0, 76.0]], [1])
    priors = torch.cat(head.prior_generator.grid_priors(SIZES, device='cpu'))
    boxes = truth.bboxes - torch.tensor([0.0, 0.0, 1.0, 1.0])
    result = head.assigner.assign(
        InstanceData(priors=priors - torch.tensor([0.0, 0.0, 1.0, 1.0])),
        [h * w for h, w in SIZES],
        InstanceData(bboxes=boxes, labels=truth.labels),
    )
    positive = (result.gt_inds > 0).nonzero()[:, 0].tolist()
    assert 5 * 16 + 7 in positive
    for place in positive:
        assert place < 256, 'all matches are on the level of this size'
        x = priors[place]
        shift = (truth.bboxes[0, :2] - x[:2]) / 64 / 0.1  # target_stds 0.1, side 64
        deltas[0][0, :2, place // 16, place % 16] = shift
        logits[0][0, place, 4] = -LOW
    losses = head.loss_by_feat(logits, deltas, centerness, prompts(), [truth], [meta()])
    assert losses['loss_bbox'].item() == pytest.approx(0, abs=1e-5)
    assert losses['loss_cls'].item() == pytest.approx(0, abs=1e-5)
    (found,) = head.predict_by_feat(logits, deltas, centerness, prompts(), [meta()])
    torch.testing.assert_close(found.bboxes, truth.bboxes)


@pytest.mark.parametrize(
    ('boxes', 'labels', 'tokens'),
    [
        pytest.param([[28.0, 12.0, 92.0, 76.0]], [0], [1, 2], id='phrase-of-two-tokens'),
        pytest.param([[28.0, 12.0, 92.0, 76.0]], [1], [4], id='phrase-of-one-token'),
    ],
)
def test_target_is_every_token_of_the_phrase_and_no_other(build, boxes, labels, tokens):
    head, (logits, deltas, centerness) = build(), outputs()
    grown = [value.requires_grad_() for value in logits]
    head.loss_by_feat(grown, deltas, centerness, prompts(), [gt(boxes, labels)])[
        'loss_cls'
    ].backward()
    gradient = torch.cat([value.grad[0] for value in grown])
    pulled = (gradient < -1e-3).any(0).nonzero()[:, 0].tolist()
    assert pulled == tokens
    assert not gradient[:, 6].any(), 'padding takes no part'


def test_a_box_of_several_phrases_pulls_the_tokens_of_all(build):
    head, (logits, deltas, centerness) = build(), outputs()
    grown = [value.requires_grad_() for value in logits]
    truth = gt([[28.0, 12.0, 92.0, 76.0]], [1])
    truth.phrases = torch.tensor([[True, True]])
    head.loss_by_feat(grown, deltas, centerness, prompts(), [truth])['loss_cls'].backward()
    gradient = torch.cat([value.grad[0] for value in grown])
    assert (gradient < -1e-3).any(0).nonzero()[:, 0].tolist() == [1, 2, 4]


def test_phrases_that_say_what_labels_say_change_nothing(build):
    head, losses = build(), []
    for phrases in (None, torch.tensor([[False, True], [True, False]])):
        truth = gt([[28.0, 12.0, 92.0, 76.0], [0.0, 0.0, 40.0, 30.0]], [1, 0])
        if phrases is not None:
            truth.phrases = phrases
        losses.append(head.loss_by_feat(*outputs(-1.0), prompts(), [truth]))
    assert all(torch.equal(losses[0][name], losses[1][name]) for name in losses[0])


def test_classification_loss_by_hand(build):
    # No box: every place is background for six real tokens; focal loss of p = 0.5 is
    # 0.75 * 0.5^2 * log 2, divided by max(1, positives) = 1.
    losses = build().loss_by_feat(*outputs(0.0), prompts(), [gt([], [])])
    expected = PLACES * 6 * 0.75 * 0.25 * math.log(2)
    assert losses['loss_cls'].item() == pytest.approx(expected, rel=1e-4)


def test_image_without_boxes_trains_every_parameter(build, sample):
    head, features = build(), [m.requires_grad_() for m in maps()]
    losses = head.loss(features, prompts(), [sample(['left kidney', 'liver'])])
    assert losses['loss_bbox'].item() == losses['loss_centerness'].item() == 0
    assert math.isfinite(losses['loss_cls'].item())
    assert losses['loss_cls'] > 0
    sum(losses.values()).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert head.text_projection.weight.grad.any()


def test_empty_image_adds_background_alone_to_a_batch(build, sample):
    head, features = build(), maps(2)
    full = sample(['left kidney', 'liver'], boxes=[[28, 12, 92, 76]], labels=[0])
    empty = sample(['left kidney', 'liver'])
    with torch.no_grad():
        both = head.loss(features, prompts(2), [full, empty])
        one = head.loss([m[:1] for m in features], row_of(prompts(2), 0), [full])
        none = head.loss([m[1:] for m in features], row_of(prompts(2), 1), [empty])
    torch.testing.assert_close(both['loss_bbox'], one['loss_bbox'])
    # Means over positive places, of which an empty image counts as one: n + 1 instead of n.
    shrunk, full_mean = both['loss_centerness'].item(), one['loss_centerness'].item()
    count = round(shrunk / (full_mean - shrunk))
    assert count > 0
    expected = (one['loss_cls'] * count + none['loss_cls']) / (count + 1)
    torch.testing.assert_close(both['loss_cls'], expected)


def test_order_of_boxes_does_not_matter(build, sample):
    head, features = build(), maps()
    boxes, labels = [[28, 12, 92, 76], [4, 60, 40, 100]], [0, 1]
    with torch.no_grad():
        forward, backward = (
            head.loss(
                features,
                prompts(),
                [sample(['a', 'b'], boxes=boxes[::step], labels=labels[::step])],
            )
            for step in (1, -1)
        )
    for name in forward:
        torch.testing.assert_close(forward[name], backward[name])


def test_ignored_places_have_no_weight(build, glip_settings):
    head = build(
        train_cfg=glip_settings[3]
        | dict(
            assigner=dict(
                type='ATSSAssigner',
                topk=9,
                ignore_iof_thr=0.5,
                iou_calculator=dict(type='BboxOverlaps2D_GLIP'),
            )
        )
    )
    truth = gt([[0.0, 0.0, 32.0, 32.0]], [1])
    # The anchor of side 64 at row 9, column 9: centre (76, 76).
    ignored = InstanceData(bboxes=torch.tensor([[44.0, 44.0, 108.0, 108.0]]))
    gradients = []
    for skip in (None, [ignored]):
        logits, deltas, centerness = outputs(0.0)
        grown = [value.requires_grad_() for value in logits]
        losses = head.loss_by_feat(
            grown, deltas, centerness, prompts(), [truth], batch_gt_instances_ignore=skip
        )
        losses['loss_cls'].backward()
        gradients.append(grown[0].grad[0, :, :6].abs().sum(1).reshape(16, 16))
    plain, skipping = gradients
    assert plain[9, 9] > 0
    assert skipping[9, 9] == 0
    assert skipping[0, 0] > 0
    # Inclusive IoU of two 64-pixel squares d pixels apart on one axis: (64 - d) / (64 + d);
    # 16 px: 48/80 = 0.6 > 0.5, 24 px: 40/88 < 0.5.
    assert skipping[9, 11] == 0
    assert skipping[9, 12] > 0


@pytest.mark.parametrize(
    ('scores', 'expected'),
    [
        pytest.param([], 0, id='nothing-found'),
        pytest.param([0.04], 0, id='below-the-threshold'),
        pytest.param([0.06], 1, id='above-the-threshold'),
        pytest.param([0.9, 0.8, 0.7], 2, id='best-ones-up-to-max_per_img'),
    ],
)
@torch.no_grad()
def test_number_of_boxes(build, scores, expected):
    head, (logits, deltas, centerness) = build(test=dict(max_per_img=2)), outputs()
    for place, score in zip((0, 8 * 16 + 8, 255), scores, strict=False):
        logits[0][0, place, 4] = logit(score)
    (found,) = head.predict_by_feat(logits, deltas, centerness, prompts(), [meta()])
    assert len(found) == expected
    assert found.bboxes.shape == (expected, 4)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


@torch.no_grad()
def test_overlapping_boxes_are_suppressed_within_a_phrase_alone(build):
    head, (logits, deltas, centerness) = build(), outputs()
    logits[0][0, 8 * 16 + 8, 4], logits[0][0, 8 * 16 + 9, 4] = logit(0.9), logit(0.8)
    logits[0][0, 8 * 16 + 8, 1:3] = logit(0.7)
    (found,) = head.predict_by_feat(logits, deltas, centerness, prompts(), [meta()])
    assert found.labels.tolist() == [1, 0]


@torch.no_grad()
def test_images_of_a_batch_are_independent(build, sample):
    head, features, text = build(test=dict(score_thr=0.0)), maps(2), prompts(2)
    samples = [sample(['left kidney', 'liver']), sample(['left kidney', 'liver'])]
    together = head.predict(features, text, samples)
    (alone,) = head.predict([m[1:] for m in features], row_of(text, 1), samples[1:])
    torch.testing.assert_close(together[1].scores, alone.scores)
    torch.testing.assert_close(together[1].bboxes, alone.bboxes)


@torch.no_grad()
def test_images_of_a_batch_have_their_own_prompt_border_and_scale(build, sample):
    head, features, text = build(test=dict(score_thr=0.0)), maps(2), prompts(2)
    both, liver = text.token_maps[0], text.token_maps[1][1:]
    text = TextFeatures(text.hidden, text.mask, (both, liver))
    metas = [meta(), meta((64, 96), scale=0.5)]
    outputs_of_both = head(features, text)
    together = head.predict_by_feat(*outputs_of_both, text, metas)
    for row, found in enumerate(together):
        parts = [[value[row : row + 1] for value in values] for values in outputs_of_both]
        (alone,) = head.predict_by_feat(*parts, row_of(text, row), metas[row : row + 1])
        torch.testing.assert_close(found.bboxes, alone.bboxes)
        torch.testing.assert_close(found.scores, alone.scores)
        assert found.labels.tolist() == alone.labels.tolist()
    assert set(together[0].labels.tolist()) == {0, 1}
    assert set(together[1].labels.tolist()) == {0}
    # 96 x 64 pixels at half scale are 192 x 128 pixels of the original.
    assert together[1].bboxes.amax(0)[2:].tolist() == pytest.approx([191, 127])


@torch.no_grad()
def test_places_by_hand(build, sample, monkeypatch):
    head, (logits, deltas, centerness) = build(), outputs()
    logits[0][0, 8 * 16 + 8, 1], logits[0][0, 8 * 16 + 8, 2] = logit(0.9), logit(0.3)
    monkeypatch.setattr(head, 'forward', lambda features, text: (logits, deltas, centerness))
    half = sample(['left kidney', 'liver'], scale_factor=(0.5, 0.5))
    for rescale, scale in ((False, 1), (True, 2)):
        boxes, (scores,) = head.score_places(maps(), prompts(), [half], rescale)
        assert boxes.shape == (1, PLACES, 4)
        # 64 pixels around (68, 68), half open up to the inclusive arithmetic of the coder.
        expected = [36 * scale, 36 * scale, 99 * scale + 1, 99 * scale + 1]
        assert boxes[0, 8 * 16 + 8].tolist() == pytest.approx(expected, abs=scale)
        assert scores.shape == (PLACES, 2)
        assert scores[8 * 16 + 8].tolist() == pytest.approx([0.6, 0.0], abs=1e-5)
        assert scores.sum() == pytest.approx(0.6, abs=1e-4)


@torch.no_grad()
def test_places_of_a_batch_have_their_own_phrases(build, sample):
    head, features, text = build(), maps(2), prompts(2)
    text = TextFeatures(text.hidden, text.mask, (text.token_maps[0], text.token_maps[1][1:]))
    samples = [sample(['left kidney', 'liver']), sample(['liver'], shape=(64, 96))]
    boxes, scores = head.score_places(features, text, samples)
    assert [one.shape for one in scores] == [(PLACES, 2), (PLACES, 1)]
    assert boxes[1].amax(0)[2:].tolist() == [96, 64]
    for row in range(2):
        (alone,), (of_alone,) = head.score_places(
            [m[row : row + 1] for m in features], row_of(text, row), samples[row : row + 1]
        )
        torch.testing.assert_close(boxes[row], alone)
        torch.testing.assert_close(scores[row], of_alone)


@pytest.mark.parametrize('padding', [0, 1, 40])
def test_padding_changes_no_loss(build, sample, padding):
    head, text, features = build(), prompts(2), maps(2)
    hidden = torch.cat([text.hidden, torch.full((2, 40, 12), 9.0)], dim=1)
    mask = torch.cat([text.mask, torch.zeros(2, 40, dtype=torch.bool)], dim=1)
    owned = torch.cat([text.token_maps[0], torch.zeros(2, 40, dtype=torch.bool)], dim=1)
    length = 7 + padding
    wide = TextFeatures(hidden[:, :length], mask[:, :length], (owned[:, :length],) * 2)
    samples = [
        sample(['left kidney', 'liver'], boxes=[[28, 12, 92, 76]], labels=[1]),
        sample(['left kidney', 'liver'], boxes=[[4, 60, 40, 100]], labels=[0]),
    ]
    losses, expected = head.loss(features, wide, samples), head.loss(features, text, samples)
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize('scale', [0.25, 1.0, 2.0])
def test_a_perfect_box_comes_back_at_any_scale(build, monkeypatch, scale: float) -> None:
    head = build()
    original = torch.tensor([[40.0, 24.0, 368.0, 184.0]]) / 4 / scale
    learned = []
    monkeypatch.setattr(
        head, '_box_losses', lambda *args: learned.append(args[4]) or (torch.zeros(()),) * 2
    )
    head.loss_by_feat(
        *outputs(),
        prompts(),
        [gt((original * scale).tolist(), [0])],
        [dict(scale_factor=(scale, scale))],
    )
    predicted = learned[0][0] / scale + torch.tensor([0.0, 0.0, 1.0, 1.0])
    torch.testing.assert_close(predicted, original[0])
