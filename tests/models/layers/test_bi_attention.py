"""BiAttention against its equations, written as loops."""

import pytest
import torch

from mmdet_medglip.models.layers import BiAttention, bi_attention
from mmdet_medglip.models.layers.bi_attention import attend_both_ways, folding_pays

MASK = torch.tensor([[True] * 4, [True, True, False, False]])


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


def both_orders(layer: BiAttention, dropout: float = 0.0, **changes: object) -> list:
    """Updates and gradients in the stock and the folded order of products, the same drops."""
    results = []
    for folded in (False, True):
        torch.manual_seed(3)
        layer.zero_grad()
        visual, text = torch.randn(2, 7, 6).double(), torch.randn(2, 4, 5).double()
        inputs = [visual.requires_grad_(), text.requires_grad_()]
        image, seen = attend_both_ways(
            *inputs, MASK, layer.projections, layer.num_heads, dropout, folded=folded, **changes
        )
        seen = seen[MASK]
        (image.square().sum() + (seen**3).sum()).backward()
        own = [p.grad for linear in layer.projections for p in linear.parameters()]
        results.append([image, seen, *(x.grad for x in inputs), *own])
    return results


@pytest.mark.parametrize('dropout', [0.0, 0.4], ids=['whole', 'dropped'])
@pytest.mark.parametrize('heads', [1, 2, 4])
def test_orders_of_products_agree_in_values_and_gradients(heads, dropout):
    stock, folded = both_orders(build(heads), dropout)
    for theirs, ours in zip(stock, folded, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_masked_pixels_are_not_attended_to():
    pixel_mask = torch.tensor([[True] * 7, [True] * 5 + [False] * 2])
    layer = build()
    stock, folded = both_orders(layer, pixel_mask=pixel_mask)
    for theirs, ours in zip(stock, folded, strict=True):
        torch.testing.assert_close(ours, theirs)
    visual, text = torch.randn(1, 7, 6).double(), torch.randn(1, 4, 5).double()
    rest = (MASK[:1], layer.projections, layer.num_heads)
    _, masked = attend_both_ways(visual, text, *rest, pixel_mask=pixel_mask[1:])
    _, short = attend_both_ways(visual[:, :5], text, *rest)
    torch.testing.assert_close(masked, short)


@pytest.mark.parametrize('folded', [False, True], ids=['stock', 'folded'])
def test_gradients_are_those_of_the_values(folded):
    layer = build()
    inputs = torch.randn(2, 3, 6).double(), torch.randn(2, 4, 5).double()
    assert torch.autograd.gradcheck(
        lambda visual, text: [
            part if part.shape[-1] == 6 else part[MASK]
            for part in attend_both_ways(
                visual, text, MASK, layer.projections, layer.num_heads, folded=folded
            )
        ],
        [x.requires_grad_() for x in inputs],
    )


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [
        pytest.param((5456, 12, 256, 2048, 8), True, id='glip-three-phrases'),
        pytest.param((5456, 250, 256, 2048, 8), True, id='glip-eighty-phrases'),
        pytest.param((5456, 12, 128, 256, 4), True, id='narrow-few-tokens'),
        pytest.param((5456, 250, 128, 256, 4), False, id='narrow-many-tokens'),
        pytest.param((4, 250, 256, 2048, 8), False, id='fewer-pixels-than-tokens'),
    ],
)
def test_the_cheaper_order_is_chosen(shape, expected):
    assert folding_pays(*shape) is expected


def test_count_of_products_by_hand():
    # 2 pixels, 3 tokens, C = 2, E = 4, 1 head: stock 2*4*(2+3) = 40, folded 3*2*(2*1+4) = 36.
    assert folding_pays(2, 3, 2, 4, 1)
    # 2 heads: folded 3*2*(2*2+4) = 48.
    assert not folding_pays(2, 3, 2, 4, 2)


@pytest.mark.parametrize('folded', [False, True], ids=['stock', 'folded'])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
@torch.no_grad()
def test_logits_beyond_half_precision_stay_exact(dtype, folded):
    # Logits near 1e6 overflow float16; the softmax of one that leads by far is one.
    layer = build()
    layer.key.weight.mul_(300)
    layer.query.weight.mul_(300)
    visual, text = torch.randn(2, 7, 6).double(), torch.randn(2, 4, 5).double()
    rest = (MASK, layer.projections, layer.num_heads)
    half = layer.to(dtype)
    outputs = attend_both_ways(visual.to(dtype), text.to(dtype), *rest, folded=folded)
    assert all(output.isfinite().all() and output.dtype == dtype for output in outputs)
    double = half.double()
    rest = (MASK, double.projections, layer.num_heads)
    exact = attend_both_ways(visual.to(dtype).double(), text.to(dtype).double(), *rest)
    for output, expected in zip(outputs, exact, strict=True):
        keep = MASK if output.shape[1] == 4 else torch.ones(2, 7, dtype=torch.bool)
        torch.testing.assert_close(output.double()[keep], expected[keep], rtol=0.05, atol=0.05)


@pytest.mark.parametrize('folded', [False, True], ids=['stock', 'folded'])
@torch.no_grad()
def test_autocast_keeps_logits_in_float32(folded):
    layer = build().float()
    visual, text = torch.randn(2, 7, 6), torch.randn(2, 4, 5)
    rest = (MASK, layer.projections, layer.num_heads)
    expected = attend_both_ways(visual, text, *rest, folded=folded)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = attend_both_ways(visual, text, *rest, folded=folded)
    for ours, exact in zip(mixed, expected, strict=True):
        torch.testing.assert_close(ours.float(), exact, rtol=0.03, atol=0.03)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize('masked', [False, True], ids=['all-pixels', 'masked-pixels'])
@torch.no_grad()
def test_blocks_of_pixels_equal_all_at_once(masked, dtype, monkeypatch):
    # 150 pixels are blocks of 64, 64 and 22; the first block of one image is all masked.
    layer = build().to(dtype)
    visual, text = torch.randn(2, 150, 6).to(dtype), torch.randn(2, 4, 5).to(dtype)
    pixel_mask = torch.rand(2, 150, generator=torch.manual_seed(5)) > 0.3
    pixel_mask[0, :64] = False
    rest = (MASK, layer.projections, layer.num_heads, 0.0, pixel_mask if masked else None, True)
    whole = attend_both_ways(visual, text, *rest)
    monkeypatch.setattr(bi_attention, '_WHOLE_BYTES', 0)
    monkeypatch.setattr(bi_attention, '_BLOCK_BYTES', 0)
    blocks = attend_both_ways(visual, text, *rest)
    for ours, expected in zip(blocks, whole, strict=True):
        assert ours.dtype == dtype
        keep = MASK if ours.shape[1] == 4 else torch.ones(2, 150, dtype=torch.bool)
        rough = dict(rtol=0.02, atol=0.02) if dtype == torch.bfloat16 else {}
        torch.testing.assert_close(ours[keep], expected[keep], **rough)


def test_no_text_mask_means_every_token():
    layer = build()
    visual, text = torch.randn(2, 7, 6).double(), torch.randn(2, 4, 5).double()
    rest = (layer.projections, layer.num_heads)
    for folded in (False, True):
        every = attend_both_ways(visual, text, torch.ones_like(MASK), *rest, folded=folded)
        for ours, expected in zip(
            attend_both_ways(visual, text, None, *rest, folded=folded), every, strict=True
        ):
            torch.testing.assert_close(ours, expected)
