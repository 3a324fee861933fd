"""Offsets of phrases: whose tokens they touch, and whose they leave alone."""

import pytest
import torch
from torch import nn

from mmdet_medglip.models.language_models import TextEncoder
from mmdet_medglip.text import prompt_from_caption, prompt_from_phrases

OLD = prompt_from_phrases(['liver', 'spleen'])


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(name=tiny_bert, max_tokens=32, frozen=True).eval()


def tuned(encoder: TextEncoder, *phrases: str, value: float = 1.0) -> TextEncoder:
    encoder.tune(phrases)
    for parameter in encoder.phrase_offsets.parameters():
        nn.init.constant_(parameter, value)
    return encoder


def encode(encoder: TextEncoder, *prompts):
    with torch.no_grad():
        return encoder(list(prompts))


def test_an_offset_of_zero_changes_no_bit(encoder):
    prompt = prompt_from_phrases(['left kidney', 'liver'])
    before = encode(encoder, prompt).hidden.clone()
    tuned(encoder, 'left kidney', value=0.0)
    assert len(encoder.phrase_offsets) == 1
    assert torch.equal(encode(encoder, prompt).hidden, before)


def test_prompts_without_tuned_phrases_stay_bit_by_bit(encoder):
    before = encode(encoder, OLD).hidden.clone()
    tuned(encoder, 'left kidney')
    assert torch.equal(encode(encoder, OLD).hidden, before)
    # also beside a tuned prompt of the same batch, up to the padding
    both = encode(encoder, OLD, prompt_from_phrases(['left kidney', 'aorta'])).hidden
    assert torch.equal(both[0, : before.shape[1]], before[0])


def test_only_the_tokens_of_the_phrase_move_wherever_it_stands(encoder):
    caption = 'Cyst of the left kidney.'
    start = caption.index('left')
    asked = [
        prompt_from_phrases(['left kidney']),
        prompt_from_phrases(['liver', 'Left Kidney', 'left lung']),
        prompt_from_caption(caption, [[[start, start + 11]], [[0, 4]]]),
    ]
    places = [encoder.tokenize([p])[p][1] for p in asked]
    before = [encode(encoder, p).hidden[0].clone() for p in asked]
    tuned(encoder, 'left kidney')
    for prompt, owned, old, phrase in zip(asked, places, before, (0, 1, 0), strict=True):
        moved = encode(encoder, prompt).hidden[0] - old
        assert owned[phrase].sum() == 2
        assert torch.allclose(moved[owned[phrase]], torch.ones(2, 48), atol=1e-6)
        assert torch.equal(moved[~owned[phrase]], torch.zeros_like(moved[~owned[phrase]]))


def test_the_cache_serves_while_offsets_train(encoder, monkeypatch):
    calls, original = [], TextEncoder._run
    monkeypatch.setattr(
        TextEncoder, '_run', lambda self, ids: calls.append(len(ids)) or original(self, ids)
    )
    encoder.tune(['left kidney'])
    prompt = prompt_from_phrases(['left kidney', 'liver'])
    optimizer = torch.optim.SGD(encoder.phrase_offsets.parameters(), lr=0.5)
    seen = []
    for _ in range(3):
        hidden = encoder.train()([prompt]).hidden
        seen.append(hidden.detach().clone())
        optimizer.zero_grad()
        hidden.sum().backward()
        optimizer.step()
    assert calls == [1]
    # the gradient of a sum is 1, so each step of 0.5 moves the two tokens by -0.5
    owned = encoder.tokenize([prompt])[prompt][1][0]
    assert torch.allclose((seen[2] - seen[0])[0, owned], torch.full((2, 48), -1.0), atol=1e-5)
    assert torch.equal(seen[2][0, ~owned], seen[0][0, ~owned])


def test_pinned_prompts_get_their_offsets_too(encoder):
    prompt = prompt_from_phrases(['left kidney'])
    encoder.pin([prompt])
    before = encode(encoder, prompt).hidden.clone()
    digest = encoder.digest()
    tuned(encoder, 'left kidney')
    assert (encode(encoder, prompt).hidden - before).max() == pytest.approx(1.0, abs=1e-5)
    assert encoder.pinned(prompt) is not None
    assert encoder.digest() == digest


def test_a_plain_encoder_takes_the_offsets_of_a_checkpoint_over(encoder, tiny_bert):
    weights = tuned(encoder, 'left kidney', 'aorta').state_dict()
    plain = TextEncoder(name=tiny_bert, max_tokens=32, frozen=True).eval()
    found = plain.load_state_dict(weights)
    assert not found.missing_keys and not found.unexpected_keys
    assert not any(p.requires_grad for p in plain.phrase_offsets.parameters())
    prompt = prompt_from_phrases(['aorta', 'left kidney', 'liver'])
    assert torch.equal(encode(plain, prompt).hidden, encode(encoder, prompt).hidden)


def test_new_phrases_train_beside_those_of_a_checkpoint(encoder, tiny_bert):
    weights = tuned(encoder, 'aorta').state_dict()
    second = TextEncoder(name=tiny_bert, max_tokens=32, frozen=True)
    second.tune(['left kidney'])
    second.load_state_dict(weights, strict=False)
    trains = [p.requires_grad for p in second.phrase_offsets.parameters()]
    assert sorted(trains) == [False, True]


def test_entries_that_are_no_tokens_are_not_taken_over(encoder):
    weights = encoder.state_dict() | {'phrase_offsets.weight': torch.ones(1, 48)}
    assert encoder.load_state_dict(weights, strict=False).unexpected_keys == [
        'phrase_offsets.weight'
    ]
    with pytest.raises(RuntimeError, match='size mismatch'):
        encoder.load_state_dict(encoder.state_dict() | {'phrase_offsets.7': torch.ones(2, 48)})


def test_a_phrase_that_cannot_be_asked_cannot_be_tuned(encoder):
    with pytest.raises(ValueError, match='more than the limit of 32'):
        encoder.tune(['kidney ' * 40])
    with pytest.raises(ValueError, match='no token'):
        encoder.phrase_offsets.add([])
