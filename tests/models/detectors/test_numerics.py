"""What a prediction does not depend on: the rest of its batch, and how finely it is computed."""

import pytest
import torch

TEXT = ('liver', 'spleen', 'left kidney')
SIZES = ((96, 64), (96, 70), (40, 120), (128, 128), (70, 96), (64, 64))
"""Height and width; 96 x 70 and 70 x 96 are both padded to 96 x 96, the others to sizes apart."""


def batch_of(sample, rows):
    images = [torch.randn(3, *SIZES[row], generator=torch.manual_seed(row)) * 50 for row in rows]
    samples = [sample(list(TEXT), 'ct', shape=SIZES[row], img_id=row) for row in rows]
    return dict(inputs=images, data_samples=samples)


@torch.no_grad()
def boxes_of(model, sample, *rows):
    found = model.test_step(batch_of(sample, rows))
    assert [one.img_id for one in found] == list(rows)
    return [one.pred_instances for one in found]


@pytest.mark.parametrize(
    'rows',
    [
        pytest.param((0, 1, 2, 3, 4, 5), id='all'),
        pytest.param((5, 4, 3, 2, 1, 0), id='other-order'),
        pytest.param((0, 3), id='with-a-larger-one'),
        pytest.param((5, 5, 5, 5, 5), id='beside-itself'),
        pytest.param((1, 4, 1), id='one-padded-size'),
    ],
)
def test_an_image_is_answered_in_a_batch_as_alone(build, sample, rows):
    model = build('ct')
    model.test_cfg.max_per_img = 30
    found = boxes_of(model, sample, *rows)
    padded = [tuple(-(-side // 32) for side in SIZES[row]) for row in rows]
    for row, size, one in zip(rows, padded, found, strict=True):
        (alone,) = boxes_of(model, sample, row)
        assert len(alone) >= 20
        assert one.labels.tolist() == alone.labels.tolist()
        if padded.count(size) == 1:
            assert torch.equal(one.bboxes, alone.bboxes)
            assert torch.equal(one.scores, alone.scores)
        # Convolutions of several images may add in another order.
        torch.testing.assert_close(one.bboxes, alone.bboxes, atol=1e-3, rtol=0)
        torch.testing.assert_close(one.scores, alone.scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize('mode', ['presence', 'hierarchy'])
def test_rules_on_answers_do_not_see_the_batch(build, sample, mode):
    if mode == 'presence':
        model = build('ct', bbox_head__presence=dict())
        model.set_presence(dict(mode='gate', threshold=0.3))
    else:
        model = build('ct')
        model.set_hierarchy(dict(level='class'))
    rows = (0, 3, 2)
    with torch.no_grad():
        found = model.test_step(batch_of(sample, rows))
        for row, one in zip(rows, found, strict=True):
            (alone,) = model.test_step(batch_of(sample, (row,)))
            assert sorted(one.keys()) == sorted(alone.keys())
            for name in ('pred_presence', 'pred_ancestors'):
                if name in alone:
                    assert torch.equal(one.get(name).scores, alone.get(name).scores)


@pytest.mark.parametrize(
    ('kind', 'eps'),
    [
        pytest.param(torch.bfloat16, 2**-8, id='bfloat16'),
        pytest.param(torch.float16, 2**-11, id='float16'),
    ],
)
@pytest.mark.parametrize('seed', range(4))
def test_half_precision_is_near_float32(build, sample, kind, eps, seed):
    model = build('ct')
    image = torch.randn(1, 3, 96, 96, generator=torch.manual_seed(seed))
    one = sample(list(TEXT), 'ct', shape=(96, 96))

    @torch.no_grad()
    def places():
        pyramid, text = model.extract_feat(image, [one])
        boxes, (scores,) = model.bbox_head.score_places(pyramid, text, [one], rescale=False)
        return boxes[0].float(), scores.float()

    boxes, scores = places()
    with torch.autocast('cpu', kind):
        rough_boxes, rough_scores = places()
        assert model.extract_feat(image, [one])[0][0].dtype == kind
    assert scores.std() > 0.05  # Scores that tell nothing would agree at any precision.
    # eps is what one rounding of a number near 1 loses. Roundings of some forty layers mostly
    # cancel: 3.5 eps of probability and 0.22 eps of the image's side were measured at most.
    torch.testing.assert_close(rough_scores, scores, atol=8 * eps, rtol=0)
    torch.testing.assert_close(rough_boxes, boxes, atol=eps * 96, rtol=0)


@pytest.mark.parametrize('kind', [torch.bfloat16, torch.float16], ids=str)
def test_answers_under_autocast_are_float32_and_in_the_image(build, sample, kind):
    model = build('ct')
    with torch.autocast('cpu', kind):
        (found,) = boxes_of(model, sample, 0)
    assert found.bboxes.dtype == found.scores.dtype == torch.float32
    assert len(found) >= 20
    height, width = SIZES[0]
    assert (found.bboxes >= 0).all()
    assert (found.bboxes <= torch.tensor([width, height] * 2)).all()
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
