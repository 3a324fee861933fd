"""The presence head: evidence and loss by hand, truth of every kind, where gradients go."""

import math

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmdet_medglip.models.dense_heads import presence_head
from mmdet_medglip.models.dense_heads.presence_head import alignment_evidence, present_phrases
from mmdet_medglip.models.language_models import TextFeatures
from mmdet_medglip.registry import MODELS


def build(**changes: object) -> presence_head.PresenceHead:
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(dict(type='PresenceHead', text_channels=12) | changes))


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def prompts() -> TextFeatures:
    """Two prompts: 'left kidney' (two tokens) and 'liver'; then 'liver' alone, padded."""
    hidden = torch.randn(2, 6, 12, generator=torch.manual_seed(3))
    two, one = torch.zeros(2, 6, dtype=torch.bool), torch.zeros(1, 6, dtype=torch.bool)
    two[0, 1:3] = two[1, 4] = one[0, 1] = True
    mask = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    return TextFeatures(hidden, mask, (two, one))


def levels(values: list[list[list[float]]]) -> list[torch.Tensor]:
    """Scores of two levels, split after the second place, from (B, places, P)."""
    return list(torch.tensor(values).split([2, len(values[0]) - 2], dim=1))


SCORES = levels([[[0.1, 0.5], [0.8, 0.2], [0.3, 0.9]], [[0.4, 0.0], [0.2, 0.0], [0.6, 0.0]]])


def truth(labels: list[int], **fields: object) -> InstanceData:
    return InstanceData(bboxes=torch.zeros(len(labels), 4), labels=torch.tensor(labels), **fields)


def test_evidence_is_the_best_place_and_the_mean_of_the_best_ones():
    evidence = alignment_evidence(SCORES, num_places=2)
    assert evidence.shape == (2, 2, 2)
    expected = [logit(0.8), (logit(0.8) + logit(0.3)) / 2]
    assert evidence[0, 0].tolist() == pytest.approx(expected, abs=1e-4)
    # The best two lie in two levels.
    expected = [logit(0.9), (logit(0.9) + logit(0.5)) / 2]
    assert evidence[0, 1].tolist() == pytest.approx(expected, abs=1e-4)


def test_evidence_does_not_see_more_background():
    scores = [level[:1] for level in SCORES]
    more = torch.full((1, 50, 2), 0.01)
    torch.testing.assert_close(
        alignment_evidence([*scores, more], 3), alignment_evidence(scores, 3), rtol=0, atol=0
    )


def test_evidence_of_a_map_smaller_than_asked_and_of_certain_places_is_finite():
    evidence = alignment_evidence([torch.tensor([[[0.0], [1.0]]])], num_places=9)
    assert evidence[0, 0, 0] == pytest.approx(logit(1 - 1e-4), abs=1e-2)
    assert evidence[0, 0, 1] == pytest.approx(0.0, abs=1e-2)


def test_starts_as_the_logit_of_the_best_place():
    first, second = build()(SCORES, prompts())
    assert first.tolist() == pytest.approx([logit(0.8), logit(0.9)], abs=1e-4)
    assert second.tolist() == pytest.approx([logit(0.6)], abs=1e-4)


def test_each_prompt_is_judged_as_if_it_were_alone():
    head, text = build(), prompts()
    torch.nn.init.normal_(head.out.weight)
    together = head(SCORES, text)
    alone = head([level[1:, :, :1] for level in SCORES], text.of_rows([1]))
    torch.testing.assert_close(together[1], alone[0])


def test_tokens_of_the_phrase_and_no_others_decide():
    head, text = build(), prompts()
    torch.nn.init.normal_(head.out.weight)
    before = head(SCORES, text)[0]
    text.hidden[0, [0, 3, 5]] += 5
    text.hidden[0, 4] += torch.randn(12, generator=torch.manual_seed(1))
    after = head(SCORES, text)[0]
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ('boxes', 'ignored', 'meta', 'expected'),
    [
        pytest.param(truth([2, 2]), None, {}, [0, 0, 1], id='labels'),
        pytest.param(truth([]), None, {}, [0, 0, 0], id='nothing'),
        pytest.param(truth([0]), truth([1]), {}, [1, 1, 0], id='a-crowd-is-there-too'),
        pytest.param(
            truth([2], phrases=torch.tensor([[True, False, True]])),
            None,
            {},
            [1, 0, 1],
            id='all-true-phrases-of-a-box',
        ),
        pytest.param(
            truth([], phrases=torch.zeros(0, 3, dtype=torch.bool)), None, {}, [0, 0, 0], id='none'
        ),
        pytest.param(
            truth([0]),
            None,
            dict(text='a b c', tokens_positive=[[[0, 1]], [[2, 3]], [[4, 5]]]),
            [1, 1, 1],
            id='a-caption-says-what-is-there',
        ),
        pytest.param(truth([0]), None, dict(text='a. b. c'), [1, 0, 0], id='a-written-list'),
        pytest.param(
            truth([0]), None, dict(text=['a', 'b', 'c'], tokens_positive=None), [1, 0, 0], id='list'
        ),
    ],
)
def test_present_phrases(boxes, ignored, meta, expected):
    assert present_phrases(3, boxes, ignored, meta).int().tolist() == expected


def test_loss_is_the_mean_cross_entropy_of_all_asked_phrases():
    present = [torch.tensor([True, False]), torch.tensor([True])]
    loss = build().loss(SCORES, prompts(), present)['loss_presence']
    expected = -(math.log(0.8) + math.log(1 - 0.9) + math.log(0.6)) / 3
    assert loss.item() == pytest.approx(expected, abs=1e-4)


def test_loss_weight():
    present = [torch.tensor([True, False]), torch.tensor([True])]
    half = dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=0.5)
    losses = [build(**c).loss(SCORES, prompts(), present) for c in ({}, dict(loss=half))]
    assert losses[1]['loss_presence'].item() * 2 == pytest.approx(losses[0]['loss_presence'].item())


def test_phrases_of_all_ranks_count_alike(monkeypatch):
    # Another rank asked 9 phrases, this one 3: the divisor is their mean, 6. DDP then takes the
    # mean of both ranks' gradients, which is the sum over 12 phrases, divided by 12.
    monkeypatch.setattr(presence_head, 'reduce_mean', lambda count: (count + 9) / 2)
    present = [torch.tensor([True, False]), torch.tensor([True])]
    loss = build().loss(SCORES, prompts(), present)['loss_presence']
    expected = -(math.log(0.8) + math.log(1 - 0.9) + math.log(0.6)) / 6
    assert loss.item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize('informed', ['tokens', 'map'])
def test_learns_from_tokens_or_from_the_map(informed):
    generator = torch.manual_seed(0)
    present = torch.rand(64, 2, generator=generator) < 0.4
    owned = torch.eye(2, dtype=torch.bool)
    hidden = torch.randn(64, 2, 12, generator=generator)
    scores = torch.rand(64, 20, 2, generator=generator) / 10
    if informed == 'tokens':
        hidden[..., 0] += 4.0 * present
    else:
        scores[:, 3] += 0.2 * present
    text = TextFeatures(hidden, torch.ones(64, 2, dtype=torch.bool), (owned,) * 64)
    head = build()
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        loss = head.loss([scores], text, list(present))['loss_presence']
        loss.backward()
        optimizer.step()
    told = torch.stack(head([scores], text)) > 0
    assert (told == present).float().mean() > 0.95


@pytest.mark.parametrize('detached', [True, False])
def test_gradient_reaches_the_tokens_and_the_map_only_on_demand(detached):
    head, text = build(detach_evidence=detached), prompts()
    torch.nn.init.normal_(head.out.weight)
    scores = [level.clone().requires_grad_() for level in SCORES]
    text.hidden.requires_grad_()
    head.loss(scores, text, [torch.tensor([True, False]), torch.tensor([False])])[
        'loss_presence'
    ].backward()
    assert text.hidden.grad.abs().sum() > 0
    assert all((level.grad is None) is detached for level in scores)
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_half_precision_gives_float_logits():
    text = prompts()
    half = text.with_hidden(text.hidden.bfloat16())
    logits = build().bfloat16()(SCORES, half)
    assert all(one.dtype == torch.float32 and one.isfinite().all() for one in logits)


@pytest.mark.parametrize('name', ['hidden_channels', 'num_places'])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=rf'presence\.{name} must be at least 1, got 0'):
        build(**{name: 0})
