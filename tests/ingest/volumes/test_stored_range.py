"""Physical values survive 16 bits."""

import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import stored_range


@pytest.mark.parametrize(
    ('values', 'is_ct', 'slope', 'intercept'),
    [
        pytest.param(np.array([-1000, 3000]), True, 1.0, -1024.0, id='ct'),
        pytest.param(np.array([-3024.0, 100.4]), True, 1.0, -3024.0, id='ct-with-padding'),
        pytest.param(np.array([0, 900]), False, 1.0, 0.0, id='mri-whole-numbers'),
        pytest.param(np.array([-5, 900]), False, 1.0, -5.0, id='mri-negative'),
        pytest.param(np.array([0.0, 65.535]), False, 0.001, 0.0, id='fractions'),
        pytest.param(np.array([2.5, 2.5]), False, 1.0, 2.5, id='constant'),
        pytest.param(np.array([0, 131070]), False, 2.0, 0.0, id='too-wide'),
    ],
)
def test_range(values: np.ndarray, is_ct: bool, slope: float, intercept: float) -> None:
    found = stored_range(values, is_ct=is_ct)
    assert (found.slope, found.intercept) == (pytest.approx(slope), intercept)
    stored = found.store(values)
    assert stored.dtype == np.uint16
    tolerance = 0.5 if is_ct else max(slope / 2, 1e-6)
    np.testing.assert_allclose(stored * found.slope + found.intercept, values, atol=tolerance)


def test_scaled_integers_are_kept_exactly() -> None:
    values = np.array([-3, 0, 4000], dtype=np.int16)
    found = stored_range(values, is_ct=False, slope=0.25, intercept=10.0)
    assert (found.slope, found.intercept) == (0.25, 9.25)
    assert found.store(values).tolist() == [0, 3, 4003]


def test_scaled_ct_becomes_whole_hounsfield_units() -> None:
    values = np.array([0, 1024, 2047], dtype=np.uint16)
    found = stored_range(values, is_ct=True, slope=1.0, intercept=-1024.0)
    assert found.store(values).tolist() == [0, 1024, 2047]
    assert (found.slope, found.intercept) == (1.0, -1024.0)


def test_bytes_stay_bytes() -> None:
    values = np.array([7, 255], dtype=np.uint8)
    stored = stored_range(values, is_ct=False).store(values)
    assert (stored.dtype, stored.tolist()) == (np.uint8, [7, 255])


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_values_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match='not finite'):
        stored_range(np.array([0.0, bad, 1.0]), is_ct=True)
