import pytest
import torch

from mmdet_medglip.models.classifiers.class_distance import ClassDistance


def cloud(centre: list[float], spread: list[float], count: int = 4000) -> torch.Tensor:
    draws = torch.randn(count, len(centre), generator=torch.manual_seed(0))
    return torch.tensor(centre) + draws * torch.tensor(spread)


def test_one_class_gives_deviations_from_its_mean():
    distance = ClassDistance(1, 2)
    distance.fit(cloud([5, -3], [2, 0.5]), torch.zeros(4000, dtype=torch.long))
    points = torch.tensor([[5.0, -3.0], [9.0, -3.0], [5.0, -2.0], [9.0, -2.0]])
    expected = torch.tensor([0.0, 2.0, 2.0, 8**0.5])
    torch.testing.assert_close(distance(points), expected, atol=0.1, rtol=0)


def test_each_class_has_half_a_covariance_of_its_own():
    distance = ClassDistance(2, 1)
    statistics = torch.cat([cloud([0.0], [1.0]), cloud([100.0], [3.0])])
    distance.fit(statistics, torch.arange(2).repeat_interleave(4000))
    # Variances 1 and 9, of all 5: (1 + 5) / 2 = 3 and (9 + 5) / 2 = 7.
    found = distance(torch.tensor([[3.0], [107.0]]))
    torch.testing.assert_close(found, torch.tensor([3 / 3**0.5, 7 / 7**0.5]), atol=0.1, rtol=0)


def test_a_class_without_images_attracts_nothing():
    distance = ClassDistance(2, 1)
    distance.fit(cloud([10.0], [1.0]), torch.zeros(4000, dtype=torch.long))
    assert distance(torch.tensor([[0.0]])) > 5


def test_fewer_images_than_channels_are_enough():
    distance = ClassDistance(2, 20)
    statistics = torch.randn(8, 20, generator=torch.manual_seed(0))
    distance.fit(statistics, torch.arange(2).repeat(4))
    found = distance(torch.randn(5, 20))
    assert torch.isfinite(found).all()


def test_before_a_fit_everything_is_infinitely_far():
    assert torch.isinf(ClassDistance(3, 2)(torch.zeros(2, 2))).all()


def test_what_is_fitted_travels_in_the_state_dict():
    first, second = ClassDistance(1, 2), ClassDistance(1, 2)
    first.fit(cloud([1, 2], [1, 1]), torch.zeros(4000, dtype=torch.long))
    second.load_state_dict(first.state_dict())
    points = torch.randn(3, 2)
    assert torch.equal(first(points), second(points))


@pytest.mark.parametrize('count', [1, 2])
def test_a_class_of_one_image_is_known(count):
    distance = ClassDistance(2, 3)
    statistics = torch.cat([torch.randn(30, 3), torch.full((count, 3), 50.0)])
    distance.fit(statistics, torch.tensor([0] * 30 + [1] * count))
    assert distance(torch.full((1, 3), 50.0)) == pytest.approx(0, abs=1e-2)
