import pytest
import torch

from mmdet_medglip.routing import framed_views, random_views, stretch_contrast


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(40, 3, 64, 64, generator=torch.manual_seed(0)) * 255


def test_contrast_is_stretched_to_the_whole_range():
    ramp = torch.linspace(50, 150, 64 * 64).view(1, 1, 64, 64).expand(1, 3, 64, 64)
    out = stretch_contrast(ramp)
    assert out.min() == 0
    assert out.max() == 255
    middle = ramp[0, 0, 32, 0]
    expected = (middle - 50.5) / (149.5 - 50.5) * 255
    assert out[0, 0, 32, 0] == pytest.approx(expected.item(), abs=3.0)  # every other row


def test_one_value_is_black_and_not_a_number_nowhere():
    assert torch.equal(stretch_contrast(torch.full((1, 3, 64, 64), 7.0)), torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize('views', [framed_views, random_views])
def test_views_stay_pictures_and_differ(images, views):
    torch.manual_seed(0)
    first, second = views(images), views(images)
    for out in (first, second):
        assert out.shape == images.shape
        assert torch.isfinite(out).all()
        assert out.min() >= 0
        assert out.max() <= 255
    assert not torch.allclose(first, second)


def test_some_views_lose_their_colour(images):
    torch.manual_seed(0)
    views = framed_views(images)
    grey = (views.std(1).amax((1, 2)) < 1e-2).float().mean()
    assert 0.05 < grey < 0.5
