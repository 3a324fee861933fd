"""The fused pyramid: levels, padding, recomputation, and what text does to the image."""

import pytest
import torch

from mmdet_medglip.models.language_models import TextFeatures
from mmdet_medglip.models.necks import LanguageFusedFPN, language_fused_fpn

FUSION = dict(embed_channels=16, num_heads=2, dropout=0.0)
SIZES = [(12, 16), (6, 8), (3, 4)]


def build(**changes: object) -> LanguageFusedFPN:
    torch.manual_seed(0)
    settings = dict(
        in_channels=[8, 12, 16],
        out_channels=16,
        text_channels=24,
        num_blocks=2,
        fusion=FUSION,
        text_layer=dict(
            num_attention_heads=4,
            intermediate_size=32,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        deformable=False,
        num_groups=4,
    )
    neck = LanguageFusedFPN(**(settings | changes))
    for parameter in neck.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return neck.eval()


def maps(batch: int = 2) -> list[torch.Tensor]:
    generator = torch.manual_seed(1)
    return [
        torch.randn(batch, channels, *size, generator=generator)
        for channels, size in zip([8, 12, 16], SIZES, strict=True)
    ]


def text(*counts: int, length: int | None = None, pad: float = 0.0) -> TextFeatures:
    """Prompts of so many tokens, padded to ``length`` with the value ``pad``."""
    length = length or max(counts)
    mask = torch.arange(length) < torch.tensor(counts)[:, None]
    tokens = torch.randn(len(counts), max(counts), 24, generator=torch.manual_seed(2))
    hidden = torch.full((len(counts), length, 24), pad)
    hidden[mask] = tokens[mask[:, : max(counts)]]
    owned = tuple(m[None] for m in mask)
    return TextFeatures(hidden, mask, owned)


@pytest.mark.parametrize('deformable', [False, True], ids=['plain', 'deformable'])
@pytest.mark.parametrize('num_outs', [3, 4, 5, 6])
@torch.no_grad()
def test_any_number_of_levels(num_outs, deformable):
    prompts = text(3, 5)
    pyramid, fused = build(num_outs=num_outs, deformable=deformable)(maps(), prompts)
    sizes = [*SIZES, (2, 2), (1, 1), (1, 1)][:num_outs]
    assert [tuple(level.shape) for level in pyramid] == [(2, 16, *size) for size in sizes]
    assert fused.hidden.shape == (2, 5, 24)
    assert fused.mask is prompts.mask
    assert fused.token_maps is prompts.token_maps


@pytest.mark.parametrize(
    ('length', 'pad'),
    [
        pytest.param(5, 0.0, id='zeros'),
        pytest.param(12, 0.0, id='long-padding'),
        pytest.param(5, 50.0, id='rubbish-as-padding'),
    ],
)
@torch.no_grad()
def test_padding_changes_nothing(length, pad):
    neck = build()
    pyramid, fused = neck(maps(), text(3, 3))
    padded, fused_padded = neck(maps(), text(3, 3, length=length, pad=pad))
    for level, same in zip(pyramid, padded, strict=True):
        torch.testing.assert_close(same, level, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fused_padded.hidden[:, :3], fused.hidden, rtol=1e-4, atol=1e-5)


def test_prompts_of_like_length_are_fused_together(monkeypatch):
    """One long prompt does not pad the others; boxes and gradients are as if it did."""
    neck, prompts, runs = build().double().train(), text(4, 40, 3, 39, 4), []
    for block in neck.blocks:
        block.fusion.register_forward_pre_hook(lambda _, args: runs.append(args[1].shape[:2]))

    def run() -> tuple[list[torch.Tensor], torch.Tensor, dict[str, torch.Tensor]]:
        neck.zero_grad()
        hidden = prompts.hidden.double().requires_grad_()
        features = [m.double().requires_grad_() for m in maps(batch=5)]
        pyramid, fused = neck(features, prompts.with_hidden(hidden))
        seen = fused.hidden[prompts.mask]
        (sum(p.square().sum() for p in pyramid) + seen.square().sum()).backward()
        gradients = {name: p.grad for name, p in neck.named_parameters() if p.grad is not None}
        gradients |= {'text': hidden.grad} | {str(i): f.grad for i, f in enumerate(features)}
        return pyramid, seen, gradients

    pyramid, seen, gradients = run()
    assert runs == [(2, 40), (3, 4)] * 2
    monkeypatch.setattr(language_fused_fpn, '_CPU_CALL', 10**6)
    expected, expected_seen, expected_gradients = run()
    assert runs[4:] == [(5, 40)] * 2
    for level, same in zip(pyramid, expected, strict=True):
        torch.testing.assert_close(level, same)
    torch.testing.assert_close(seen, expected_seen)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=1e-7, atol=1e-9)


@torch.no_grad()
def test_images_of_a_batch_do_not_mix():
    neck, prompts = build(), text(3, 5)
    together, fused = neck(maps(), prompts)
    one = TextFeatures(prompts.hidden[:1, :3], prompts.mask[:1, :3], prompts.token_maps[:1])
    alone, fused_alone = neck([m[:1] for m in maps()], one)
    for both, level in zip(together, alone, strict=True):
        torch.testing.assert_close(both[:1], level, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fused.hidden[:1, :3], fused_alone.hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('fusion', [FUSION, None], ids=['fused', 'not-fused'])
def test_recomputation_gives_equal_gradients(fusion):
    gradients = []
    for with_cp in (False, True):
        neck = build(with_cp=with_cp, fusion=fusion).train()
        features = [m.requires_grad_() for m in maps()]
        pyramid, fused = neck(features, text(3, 5))
        (sum(p.square().sum() for p in pyramid) + fused.hidden.square().sum()).backward()
        own = {name: p.grad for name, p in neck.named_parameters() if p.grad is not None}
        gradients.append(own | {str(i): f.grad for i, f in enumerate(features)})
    plain, recomputed = gradients
    assert plain.keys() == recomputed.keys()
    assert all(torch.allclose(plain[n], recomputed[n], rtol=1e-4, atol=1e-5) for n in plain)


@torch.no_grad()
def test_without_fusion_text_and_image_stay_apart():
    neck, prompts = build(fusion=None), text(3, 5)
    pyramid, unchanged = neck(maps(), prompts)
    assert torch.equal(unchanged.hidden, prompts.hidden)
    other, _ = neck(maps(), prompts.with_hidden(prompts.hidden + 1))
    assert all(torch.equal(a, b) for a, b in zip(pyramid, other, strict=True))
    assert not any('text_layer' in name or 'fusion' in name for name in neck.state_dict())


@torch.no_grad()
def test_with_fusion_each_changes_the_other():
    neck, prompts = build(), text(3, 5)
    pyramid, fused = neck(maps(), prompts)
    other_text = prompts.with_hidden(prompts.hidden.flip(-1))
    other, _ = neck(maps(), other_text)
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(pyramid, other, strict=True))
    _, elsewhere = neck([m.flip(-1) * 2 for m in maps()], prompts)
    assert (elsewhere.hidden - fused.hidden)[prompts.mask].abs().max() > 1e-3


@torch.no_grad()
def test_no_block_is_the_pyramid_alone():
    neck, prompts = build(num_blocks=0), text(3, 5)
    pyramid, same = neck(maps(), prompts)
    expected = neck.fpn(tuple(maps()))
    assert all(torch.equal(a, b) for a, b in zip(pyramid, expected, strict=True))
    assert torch.equal(same.hidden, prompts.hidden)


def test_fpn_is_changed_by_config():
    neck = build(num_outs=4, fpn=dict(add_extra_convs=False))
    assert len(neck.fpn.fpn_convs) == 3
    assert len(neck(maps(), text(3, 5))[0]) == 4


@pytest.mark.parametrize('fusion', [FUSION, None], ids=['fused', 'not-fused'])
@torch.no_grad()
def test_one_pyramid_serves_many_prompts(fusion):
    neck, prompts = build(fusion=fusion), text(3, 5)
    assert neck.is_fused == (fusion is not None)
    levels = neck.pyramid(maps())
    before = [level.clone() for level in levels]
    runs = []
    for block in neck.blocks:
        block.register_forward_hook(lambda *args: runs.append(1))
    pyramid, fused = neck.fuse(levels, prompts)
    assert len(runs) == (2 if fusion else 0), 'without fusion the blocks need no prompt'
    expected, expected_fused = neck(maps(), prompts)
    assert all(torch.equal(a, b) for a, b in zip(pyramid, expected, strict=True))
    assert torch.equal(fused.hidden, expected_fused.hidden)
    assert all(torch.equal(a, b) for a, b in zip(levels, before, strict=True)), 'left as it was'
