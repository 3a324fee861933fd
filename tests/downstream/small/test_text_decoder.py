"""The decoder sees what it should, and nothing else."""

import pytest
import torch

from mmdet_medglip.downstream.small.text_decoder import TextDecoder


@pytest.fixture
def decoder() -> TextDecoder:
    torch.manual_seed(0)
    return TextDecoder(num_words=11, channels=16, num_layers=2, num_heads=4).eval()


def inputs(batch=2, requests=3, tokens=4, words=5):
    torch.manual_seed(1)
    request = torch.randn(batch, requests, tokens, 16)
    return (
        request,
        torch.ones(batch, requests, tokens, dtype=torch.bool),
        torch.randint(4, 11, (batch, requests, words)),
        torch.randn(batch, 7, 16),
        torch.ones(batch, 7, dtype=torch.bool),
    )


def test_a_word_does_not_see_those_after_it(decoder):
    request, mask, words, memory, seen = inputs()
    known = decoder.remember(memory, seen)
    first = decoder(request, mask, words, known)
    other = words.clone()
    other[..., 3:] = 4
    assert torch.allclose(
        decoder(request, mask, other, known)[..., :3, :], first[..., :3, :], atol=1e-5
    )
    assert not torch.allclose(decoder(request, mask, other, known), first, atol=1e-3)


def test_requests_of_an_image_do_not_see_each_other(decoder):
    request, mask, words, memory, seen = inputs()
    known = decoder.remember(memory, seen)
    together = decoder(request, mask, words, known)
    alone = decoder(request[:, 1:2], mask[:, 1:2], words[:, 1:2], known)
    assert torch.allclose(together[:, 1:2], alone, atol=1e-5)


def test_padding_of_requests_and_images_changes_nothing(decoder):
    request, mask, words, memory, seen = inputs()
    plain = decoder(request, mask, words, decoder.remember(memory, seen))
    longer = torch.cat([request, torch.randn(2, 3, 2, 16)], 2)
    wide = torch.cat([mask, torch.zeros(2, 3, 2, dtype=torch.bool)], 2)
    more = torch.cat([memory, torch.randn(2, 3, 16)], 1)
    hidden = torch.cat([seen, torch.zeros(2, 3, dtype=torch.bool)], 1)
    padded = decoder(longer, wide, words, decoder.remember(more, hidden))
    assert torch.allclose(plain, padded, atol=1e-5)


def test_the_image_is_seen(decoder):
    request, mask, words, memory, seen = inputs()
    plain = decoder(request, mask, words, decoder.remember(memory, seen))
    other = decoder(request, mask, words, decoder.remember(-memory, seen))
    assert not torch.allclose(plain, other, atol=1e-3)


def test_it_says_the_likeliest_word_after_word(decoder):
    request, mask, _, memory, seen = inputs()
    known = decoder.remember(memory, seen)
    said = decoder.generate(request, mask, known, start=1, end=2)
    assert said.shape[:2] == (2, 3) and said.shape[2] <= decoder.max_words
    words = torch.ones(2, 3, 1, dtype=torch.long)
    for step in range(said.shape[2]):
        best = decoder(request, mask, words, known)[:, :, -1].argmax(-1)
        assert best.equal(said[..., step])
        words = torch.cat([words, best[..., None]], 2)


def test_a_word_looks_first_at_what_is_like_it(decoder):
    layer = decoder.layers[0]
    word = torch.randn(1, 1, 16)
    unlike = torch.randn(1, 30, 16)
    keys, _ = layer.remember(torch.cat([word, unlike], 1))
    query = layer._split(layer.image_query(word))
    near = (query @ keys.transpose(-1, -2)).mean(1)[0, 0]
    assert near[0] > near[1:].mean()
