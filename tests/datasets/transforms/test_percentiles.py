"""Percentiles by counting are those that NumPy finds by sorting."""

import numpy as np
import pytest

from mmdet_medglip.datasets.transforms.percentiles import percentiles_of

QUANTILES = (0.0, 0.5, 33.3, 50.0, 99.5, 100.0)


def noise(dtype: str, high: int, shape: tuple[int, ...] = (37, 41)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


@pytest.mark.parametrize(
    'image',
    [
        pytest.param(noise('uint8', 256), id='8-bit'),
        pytest.param(noise('float32', 256, (16, 16, 3)), id='colour'),
        pytest.param(noise('float32', 65536), id='16-bit'),
        pytest.param(noise('float32', 4096) - 1024, id='Hounsfield-units'),
        pytest.param(noise('float32', 4096) * np.float32(0.37) - 5, id='rescaled-by-a-fraction'),
        pytest.param(noise('float32', 4096) * 100, id='wider-than-16-bit'),
        pytest.param(np.full((4, 4), 7.0, np.float32), id='constant'),
        pytest.param(np.full((1, 1), -7.5, np.float32), id='one-pixel'),
        pytest.param(noise('float32', 9)[::2, ::3], id='every-second-row-and-third-column'),
    ],
)
def test_equals_numpy(image: np.ndarray) -> None:
    expected = np.percentile(image.astype(np.float64), QUANTILES)
    assert percentiles_of(image, QUANTILES) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_between_two_values_by_hand() -> None:
    # Ten values: the percentile 75 lies at rank 6.75, between 10 and 20.
    image = np.array([[0, 0, 0, 0, 0], [0, 10, 20, 20, 20]], np.float32)
    assert percentiles_of(image, (75,)) == (17.5,)
