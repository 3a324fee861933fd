import math

import pytest

from mmdet_medglip.evaluation.functional.routing_shares import Routed, routing_shares


def test_right_wrong_and_none_are_told_apart():
    shares = routing_shares(
        [
            Routed('ct', 'ct', 'ct'),
            Routed('ct', 'mri', 'mri'),
            Routed('mri', None, 'mri'),
            Routed('mri', 'ct', 'mri'),  # sent to a fallback
            Routed('xray', None, None),
        ]
    )
    assert shares == pytest.approx(dict(accuracy=0.6, right=0.2, wrong=0.4, abstained=0.4))


def test_without_images_the_shares_are_not_numbers():
    assert all(math.isnan(value) for value in routing_shares([]).values())
