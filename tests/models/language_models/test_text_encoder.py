"""The text encoder: padding, cache and limits."""

import copy
import pickle
import shutil
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmdet_medglip.models.language_models import TextEncoder
from mmdet_medglip.text import prompt_from_caption, prompt_from_phrases

SHORT = prompt_from_phrases(['liver'])
LONG = prompt_from_phrases(['left kidney', 'right kidney', 'inferior vena cava'])


@pytest.fixture
def build(tiny_bert):
    def make(**changes: object) -> TextEncoder:
        return TextEncoder(**(dict(name=tiny_bert, max_tokens=32) | changes)).eval()

    return make


@pytest.fixture
def runs(monkeypatch):
    """Prompts that were really computed, call by call."""
    calls, original = [], TextEncoder._run

    def run(self, ids):
        calls.append(len(ids))
        return original(self, ids)

    monkeypatch.setattr(TextEncoder, '_run', run)
    return calls


def test_shapes_masks_and_maps_by_hand(build):
    # '[CLS] liver [SEP]' and '[CLS] left kidney . liver [SEP]'.
    encoder = build()
    text = encoder([SHORT, prompt_from_phrases(['left kidney', 'liver'])])
    assert text.hidden.shape == (2, 6, encoder.channels) == (2, 6, 48)
    assert len(text) == 2
    assert text.mask.int().tolist() == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]
    assert [m.int().tolist() for m in text.token_maps] == [
        [[0, 1, 0, 0, 0, 0]],
        [[0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0]],
    ]


@torch.no_grad()
def test_prompt_alone_equals_prompt_in_a_longer_batch(build):
    encoder = build(cache_size=0)
    alone, together = encoder([SHORT]), encoder([LONG, SHORT])
    length = alone.hidden.shape[1]
    torch.testing.assert_close(together.hidden[1, :length], alone.hidden[0], rtol=1e-4, atol=1e-5)
    assert together.mask[1].sum() == alone.mask[0].sum() == length
    assert torch.equal(together.token_maps[1][:, :length], alone.token_maps[0])
    assert not together.token_maps[1][:, length:].any()
    assert not together.hidden[1, length:].any()


@torch.no_grad()
def test_padding_reaches_only_the_longest_prompt(build):
    assert build(max_tokens=256).forward([SHORT, SHORT]).hidden.shape[1] == 3


@torch.no_grad()
def test_equal_captions_with_other_spans_share_features_not_maps(build, runs):
    caption = 'nodule in the left lung'
    first = prompt_from_caption(caption, [[[0, 6]]])
    second = prompt_from_caption(caption, [[[14, 23]], [[0, 6]]])
    text = build()([first, second])
    assert runs == [1]
    assert torch.equal(text.hidden[0], text.hidden[1])
    assert [len(m) for m in text.token_maps] == [1, 2]
    assert torch.equal(text.token_maps[0][0], text.token_maps[1][1])


@torch.no_grad()
def test_cache_hit_equals_a_fresh_run(build, runs):
    encoder = build()
    first, again, mixed = encoder([LONG]), encoder([LONG]), encoder([SHORT, LONG])
    assert runs == [1, 1], 'the second call computes nothing, the third only the new prompt'
    assert torch.equal(first.hidden, again.hidden)
    assert torch.equal(mixed.hidden[1], first.hidden[0])
    encoder.clear_cache()
    torch.testing.assert_close(encoder([LONG]).hidden, first.hidden)
    assert runs == [1, 1, 1]


@torch.no_grad()
def test_cache_keeps_the_last_used_prompts(build, runs):
    encoder = build(cache_size=2)
    other = prompt_from_phrases(['spleen'])
    for prompt in (SHORT, LONG, SHORT, other):  # LONG is the one not used for longest
        encoder([prompt])
    assert len(encoder._hidden) == 2
    runs.clear()
    encoder([SHORT])
    assert runs == []
    encoder([LONG])
    assert runs == [1]


def step(encoder: TextEncoder, kind: type, **settings: object) -> None:
    """One step of an optimizer, in evaluation mode and without clearing by hand."""
    for parameter in encoder.parameters():
        parameter.grad = torch.ones_like(parameter)
    kind(encoder.parameters(), lr=0.1, **settings).step()


@pytest.mark.parametrize('fused', [False, True])
def test_training_in_evaluation_mode_is_never_served_from_the_cache(build, fused):
    # A fused optimizer changes weights without marking them.
    encoder = build()
    with torch.no_grad():
        before = encoder([SHORT]).hidden
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.1, fused=fused)
    encoder([SHORT]).hidden.square().sum().backward()
    optimizer.step()
    with torch.no_grad():
        after = encoder([SHORT]).hidden
        encoder.clear_cache()
        torch.testing.assert_close(after, encoder([SHORT]).hidden)
    assert not torch.allclose(before, after)


def replace_first(encoder: TextEncoder) -> None:
    parameter = next(encoder.parameters())
    parameter.data = parameter.data * 2


@pytest.mark.parametrize('frozen', [False, True], ids=['trained', 'frozen'])
@pytest.mark.parametrize(
    'change',
    [
        pytest.param(lambda e: e.load_state_dict(e.state_dict()), id='load_state_dict'),
        pytest.param(
            lambda e: torch.nn.Sequential(e).load_state_dict(torch.nn.Sequential(e).state_dict()),
            id='load_state_dict-of-the-detector',
        ),
        pytest.param(lambda e: e.to(torch.float64), id='to'),
        pytest.param(lambda e: torch.nn.Sequential(e).double(), id='to-of-the-detector'),
        pytest.param(lambda e: e.train().eval(), id='train'),
        pytest.param(lambda e: e.clear_cache(), id='clear_cache'),
        pytest.param(lambda e: step(e, torch.optim.SGD, momentum=0.9), id='sgd-step'),
        pytest.param(lambda e: step(e, torch.optim.AdamW, foreach=False), id='adamw-step'),
        pytest.param(lambda e: step(e, torch.optim.AdamW, foreach=True), id='adamw-foreach-step'),
        pytest.param(lambda e: next(e.parameters()).mul_(2), id='in-place'),
        pytest.param(lambda e: replace_first(e), id='data-replaced'),
        pytest.param(lambda e: setattr(e, 'model', copy.deepcopy(e.model)), id='model-replaced'),
    ],
)
@torch.no_grad()
def test_cache_is_cleared_when_features_may_change(build, runs, change, frozen, request):
    encoder = build(frozen=frozen)
    encoder([SHORT])
    change(encoder)
    text = encoder([SHORT])
    stays = frozen and request.node.callspec.id.startswith('train-')
    assert runs == ([1] if stays else [1, 1])
    encoder.clear_cache()
    torch.testing.assert_close(text.hidden, encoder([SHORT]).hidden)
    assert text.hidden.dtype == next(encoder.parameters()).dtype


def test_cache_serves_no_training(build, runs):
    encoder = build()
    with torch.no_grad():
        encoder([SHORT])
    assert encoder([SHORT]).hidden.requires_grad, 'with gradients it is computed anew'
    encoder.train()
    with torch.no_grad():
        encoder([SHORT])
        encoder([SHORT])
    assert runs == [1, 1, 1, 1]


def test_an_encoder_trained_by_steps_is_never_served_from_the_cache(build):
    encoder = build(cache_size=8)
    plain = copy.deepcopy(encoder)
    plain._hidden.size = 0
    for _ in range(3):
        for one in (encoder, plain):
            one.train()
            step(one, torch.optim.SGD)
            one.eval()
        with torch.no_grad():
            torch.testing.assert_close(encoder([SHORT]).hidden, plain([SHORT]).hidden)


@torch.no_grad()
def test_precisions_are_kept_apart(build, runs):
    encoder = build()
    full = encoder([SHORT]).hidden
    with torch.autocast('cpu', torch.bfloat16):
        half = encoder([SHORT]).hidden
        assert torch.equal(encoder([SHORT]).hidden, half)
    assert runs == [1, 1]
    assert torch.equal(encoder([SHORT]).hidden, full)
    assert not torch.equal(half.float(), full)


@torch.no_grad()
def test_cache_is_no_state(build):
    encoder = build()
    before = list(encoder.state_dict())
    encoder([SHORT])
    encoder.pin([LONG])
    assert list(encoder.state_dict()) == before
    for twin in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert not len(twin._hidden)
        assert twin.pinned(LONG) is None
        torch.testing.assert_close(twin([SHORT, LONG]).hidden, encoder([SHORT, LONG]).hidden)


@torch.no_grad()
def test_more_prompts_than_the_cache_holds(build, runs):
    encoder, plain = build(cache_size=3), build(cache_size=0)
    prompts = [prompt_from_phrases([phrase]) for phrase in ('liver', 'spleen', 'left kidney', 'a')]
    torch.testing.assert_close(encoder(prompts).hidden, plain(prompts).hidden)
    assert runs == [4, 4]
    assert len(encoder._hidden) == len(encoder._tokens) == 3
    assert not len(plain._hidden) and not len(plain._tokens)


@torch.no_grad()
def test_lengths_apart_are_encoded_apart_with_equal_results(build, monkeypatch):
    padded, original = [], TextEncoder._run_padded

    def run(self, ids):
        padded.append([len(row) for row in ids])
        return original(self, ids)

    monkeypatch.setattr(TextEncoder, '_run_padded', run)
    many = prompt_from_phrases(['left kidney', 'right kidney'] * 20)
    short = [prompt_from_phrases([phrase]) for phrase in ('aorta', 'liver', 'colon')]
    prompts = [short[0], many, *short[1:]]
    text = build(max_tokens=256, cache_size=0)(prompts)
    assert [len(group) for group in padded] == [1, 3]
    assert padded[0][0] == text.hidden.shape[1]
    for row, prompt in enumerate(prompts):
        alone = build(max_tokens=256)([prompt]).hidden[0]
        torch.testing.assert_close(text.hidden[row, : len(alone)], alone, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_pinned_prompts_serve_beside_the_cache(build, runs):
    encoder = build(cache_size=0)
    encoder.train()
    encoder.pin([LONG, SHORT])
    assert encoder.training and encoder.model.training
    encoder.eval()
    assert encoder.pinned(LONG) is None, 'a trained encoder forgets at a change of mode'
    encoder.pin([LONG, SHORT])
    runs.clear()
    text = encoder([SHORT, LONG, SHORT])
    assert runs == []
    torch.testing.assert_close(text.hidden, build()([SHORT, LONG, SHORT]).hidden)
    encoder.pin([])
    assert encoder.pinned(LONG) is None


@torch.no_grad()
def test_pinned_prompts_leave_with_the_weights(build, runs):
    encoder = build()
    encoder.pin([SHORT])
    next(encoder.parameters()).mul_(2)
    assert encoder.pinned(SHORT) is None
    assert torch.equal(encoder([SHORT]).hidden, encoder([SHORT]).hidden)


def test_pinned_features_must_fit_the_tokens(build):
    with pytest.raises(ValueError, match=r"'liver' have shape \(4, 48\); expected \(3, 48\)"):
        build().pin([SHORT], [torch.zeros(4, 48)])


def test_digest_is_of_the_weights(build):
    encoder, other = build(), build()
    assert encoder.digest() == other.digest()
    with torch.no_grad():
        next(other.parameters()).view(-1)[0] += 1
    assert encoder.digest() != other.digest() != build().bfloat16().digest()


def test_negative_cache_size_is_an_error(build):
    with pytest.raises(ValueError, match='cache_size=-1; expected 0'):
        build(cache_size=-1)


def test_new_weights_give_new_features(build, tiny_bert):
    encoder, other = build(), build(pretrained=False)
    with torch.no_grad():
        before = encoder([SHORT]).hidden
        encoder.load_state_dict(other.state_dict())
        after = encoder([SHORT]).hidden
        assert not torch.allclose(before, after)
        torch.testing.assert_close(after, other([SHORT]).hidden)


def test_frozen_has_no_gradient_and_stays_in_evaluation(build, runs):
    encoder = build(frozen=True)
    encoder.train()
    assert not encoder.model.training
    assert not any(module.training for module in encoder.model.modules())
    assert not any(p.requires_grad for p in encoder.parameters())
    first = encoder([SHORT]).hidden
    assert not first.requires_grad
    assert torch.equal(encoder([SHORT]).hidden, first)
    assert runs == [1], 'frozen features are cached in training too'


def test_features_cached_under_inference_mode_can_be_trained_on(build):
    encoder, layer = build(frozen=True), torch.nn.Linear(48, 1)
    with torch.inference_mode():
        encoder([SHORT])
    layer(encoder([SHORT]).hidden).sum().backward()
    assert layer.weight.grad is not None


def test_trained_encoder_gets_gradients(build):
    encoder = build().train()
    encoder([SHORT, LONG]).hidden.square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


@pytest.mark.parametrize('batch', [[LONG], [SHORT, LONG]], ids=['alone', 'in-a-batch'])
def test_prompt_beyond_the_limit_is_an_error(build, batch):
    with pytest.raises(ValueError, match=r"'left kidney\. right.* tokens, more than .* of 8 "):
        build(max_tokens=8)(batch)


def test_limit_is_inclusive(build):
    exact = len(build().tokenizer(LONG.caption)['input_ids'])
    assert build(max_tokens=exact)([LONG]).hidden.shape[1] == exact


def test_limit_beyond_the_model_is_an_error(build, tiny_bert):
    with pytest.raises(ValueError, match=r'max_tokens=513, but .* reads at most 512'):
        build(max_tokens=513)


def test_folder_without_weights_gives_the_clear_error(build, tmp_path):
    build().tokenizer.save_pretrained(tmp_path)
    with pytest.raises(OSError, match=r'could not be loaded .* folder that holds config\.json'):
        build(name=str(tmp_path))


def test_bundled_encoder_tries_no_connection(monkeypatch):
    def refuse(*args: object) -> None:
        raise AssertionError('a connection was tried')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    encoder = TextEncoder(frozen=True)
    assert encoder([prompt_from_phrases(['left kidney'])]).hidden.shape == (1, 4, 384)


def test_weights_that_lack_a_layer_are_an_error(tiny_bert: str, tmp_path: Path) -> None:
    folder = tmp_path / 'bert'
    shutil.copytree(tiny_bert, folder)
    weights = load_file(folder / 'model.safetensors')
    del weights['encoder.layer.1.output.dense.weight']
    save_file(weights, folder / 'model.safetensors', metadata={'format': 'pt'})
    with pytest.raises(OSError, match=r'the weights lack encoder\.layer\.1\.output\.dense\.weight'):
        TextEncoder(name=str(folder), max_tokens=64)
