"""BiAttention against its equations, written as loops."""

import pytest
import torch

from mmdet_medglip.models.layers import BiAttention


def build(heads: int = 2, **changes: float) -> BiAttention:
    torch.manual_seed(0)
    layer = BiAttention(6, 5, embed_channels=8, num_heads=heads, **changes)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer.double().eval()


def naive(layer: BiAttention, visual, text, mask):
    """One image, head by head, pixel by pixel, over the real tokens alone."""
    pixels, tokens = layer.norm_visual(visual), layer.norm_text(text[mask])
    width = 8 // layer.num_heads
    image_delta, text_delta = torch.zeros(len(pixels), 8), torch.zeros(len(tokens), 8)
    image_delta, text_delta = image_delta.double(), text_delta.double()
    for head in range(layer.num_heads):
        part = slice(head * width, (head + 1) * width)
        query, key = layer.query(pixels)[:, part], layer.key(tokens)[:, part]
        logits = torch.stack([torch.stack([q @ k for k in key]) for q in query]) / width**0.5
        for i, row in enumerate(logits):
            image_delta[i, part] = row.exp() / row.exp().sum() @ layer.value_text(tokens)[:, part]
        for j, column in enumerate(logits.T):
            weights = column.exp() / column.exp().sum()
            text_delta[j, part] = weights @ layer.value_visual(pixels)[:, part]
    return (
        pixels + layer.gamma_visual * layer.out_visual(image_delta),
        tokens + layer.gamma_text * layer.out_text(text_delta),
    )


@pytest.mark.parametrize('heads', [1, 2, 4])
def test_equals_the_equations(heads):
    layer = build(heads)
    visual, text = torch.randn(2, 7, 6).double(), torch.randn(2, 4, 5).double()
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    with torch.no_grad():
        pixels, tokens = layer(visual, text, mask)
        for row in range(2):
            expected = naive(layer, visual[row], text[row], mask[row])
            torch.testing.assert_close(pixels[row], expected[0])
            torch.testing.assert_close(tokens[row][mask[row]], expected[1])


def test_one_token_by_hand():
    # With one token every pixel takes the value of that token, whatever the logits.
    layer = build()
    visual, text = torch.randn(1, 3, 6).double(), torch.randn(1, 1, 5).double()
    with torch.no_grad():
        pixels, _ = layer(visual, text, torch.ones(1, 1, dtype=torch.bool))
        token = layer.norm_text(text)
        added = layer.gamma_visual * layer.out_visual(layer.value_text(token))
    torch.testing.assert_close(pixels, layer.norm_visual(visual) + added)


def test_what_stands_at_padded_tokens_does_not_matter():
    layer = build()
    visual, text = torch.randn(1, 5, 6).double(), torch.randn(1, 4, 5).double()
    mask = torch.tensor([[True, True, False, False]])
    with torch.no_grad():
        short = layer(visual, text[:, :2], mask[:, :2])
        other = layer(visual, text.masked_fill(~mask[..., None], 1e3), mask)
    torch.testing.assert_close(other[0], short[0])
    torch.testing.assert_close(other[1][:, :2], short[1])


def test_zero_scale_is_the_norm_alone():
    layer = build()
    torch.nn.init.zeros_(layer.gamma_visual)
    torch.nn.init.zeros_(layer.gamma_text)
    visual, text = torch.randn(1, 3, 6).double(), torch.randn(1, 2, 5).double()
    pixels, tokens = layer(visual, text, torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(pixels, layer.norm_visual(visual))
    torch.testing.assert_close(tokens, layer.norm_text(text))


@pytest.mark.parametrize(
    'changes',
    [pytest.param({'dropout': 0.5}, id='dropout'), pytest.param({'drop_path': 0.5}, id='path')],
)
def test_random_drops_act_in_training_alone(changes):
    layer = build(**changes)
    inputs = torch.randn(8, 3, 6).double(), torch.randn(8, 2, 5).double()
    mask = torch.ones(8, 2, dtype=torch.bool)
    assert torch.equal(layer(*inputs, mask)[0], layer(*inputs, mask)[0])
    layer.train()
    assert not torch.equal(layer(*inputs, mask)[0], layer(*inputs, mask)[0])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_stays_finite(dtype):
    layer = build().to(dtype)
    mask = torch.tensor([[True, False]])
    with torch.no_grad():
        outputs = layer(torch.randn(1, 3, 6).to(dtype), torch.randn(1, 2, 5).to(dtype), mask)
    assert all(output.isfinite().all() and output.dtype == dtype for output in outputs)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match='embed_channels=8 is not a multiple of num_heads=3'):
        BiAttention(6, 5, embed_channels=8, num_heads=3)
