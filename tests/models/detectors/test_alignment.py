"""Maps of where the words of a phrase are seen."""

import pytest
import torch


@torch.no_grad()
def test_the_largest_value_is_that_of_the_best_place(build, images, sample):
    model = build('ct')
    phrases = ['liver', 'left kidney', 'zebra']
    one = sample(phrases, shape=(96, 96))
    (maps,) = model.alignment_maps(images[:1], [one])
    assert maps.shape == (3, 12, 12)  # 96 pixels at stride 8
    pyramid = model.pyramid(model.extract_visual(images[:1], [one]))
    text = model.language_model([model.parts_of(model._question_of(one).prompt)[0]])
    _, scores = model.bbox_head.score_places(*model.fuse(pyramid, text), [one])
    torch.testing.assert_close(maps.flatten(1).amax(1), scores[0].amax(0))


@torch.no_grad()
@pytest.mark.parametrize('chunk', [1, 2])
def test_parts_of_a_prompt_are_mapped_as_if_alone(build, images, sample, chunk):
    model = build('ct')
    model.test_cfg.update(chunked_size=chunk)
    (both,) = model.alignment_maps(images[:1], [sample(['liver', 'spleen', 'cyst'])])
    (last,) = model.alignment_maps(images[:1], [sample(['cyst'])])
    torch.testing.assert_close(both[2], last[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_is_left_out(build, images, sample):
    model = build('ct')
    maps = model.alignment_maps(
        images[:2], [sample(['liver'], shape=s) for s in ((96, 64), (48, 96))]
    )
    assert [tuple(m.shape) for m in maps] == [(1, 12, 8), (1, 6, 12)]
