import numpy as np
import pytest

from mmdet_medglip.datasets import IntensityWindow
from mmdet_medglip.datasets.transforms import DEFAULT_WINDOWS, WINDOW_PRESETS
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing import UNROUTED


def _results(values: list[float], modality: str = 'ct', **fields: object) -> dict:
    return {'img': np.array([values], np.float32), 'modality': modality, 'img_id': 'a', **fields}


@pytest.mark.parametrize(
    ('window', 'values', 'expected'),
    [
        pytest.param('soft_tissue', [-1000, -160, 40, 240, 900], [0, 0, 127.5, 255, 255], id='st'),
        pytest.param('lung', [-910, -160, 590], [0, 127.5, 255], id='lung'),
        pytest.param('brain', [0, 40, 80], [0, 127.5, 255], id='brain'),
        pytest.param('bone', [-500, 400, 1300], [0, 127.5, 255], id='bone'),
        pytest.param((100, 0), [-50, -25, 50], [0, 63.75, 255], id='width and level'),
    ],
)
def test_windows_in_hounsfield_units(
    window: object, values: list[float], expected: list[float]
) -> None:
    out = IntensityWindow(windows={'ct': window})(_results(values, rescale_type='HU'))
    assert out['img'].shape == (1, len(values), 3)
    assert out['img'].dtype == np.float32
    for channel in range(3):
        np.testing.assert_allclose(out['img'][0, :, channel], expected, atol=1e-4)


def test_range_says_what_the_network_saw() -> None:
    out = IntensityWindow()(_results([0.0], rescale_type='HU'))
    assert out['intensity_range'] == (-160.0, 240.0)


def test_percentile_clips_both_tails() -> None:
    out = IntensityWindow()(_results(list(range(201)), modality='mri'))
    assert out['intensity_range'] == (1.0, 199.0)
    assert out['img'][0, [0, 1, 100, 199, 200], 0].tolist() == pytest.approx(
        [0, 0, 127.5, 255, 255], abs=1e-3
    )


def test_ct_without_hounsfield_units_gets_percentiles() -> None:
    out = IntensityWindow()(_results(list(range(201)), modality='ct', rescale_type=None))
    assert out['intensity_range'] == (1.0, 199.0)


@pytest.mark.parametrize(
    ('options', 'modality', 'expected'),
    [
        pytest.param({}, 'ct', (-50.0, 150.0), id='before the default of the modality'),
        pytest.param({}, 'endoscopy', (-50.0, 150.0), id='before stored values'),
        pytest.param({'windows': {'mri': 'keep'}}, 'ct', (-50.0, 150.0), id='other one named'),
        pytest.param({'windows': {'ct': 'brain'}}, 'ct', (0.0, 80.0), id='not before the config'),
        pytest.param({'use_record_window': False}, 'ct', (-160.0, 240.0), id='not used'),
    ],
)
def test_window_of_the_record(options: dict, modality: str, expected: tuple[float, float]) -> None:
    record = _results([0.0, 50.0], modality, rescale_type='HU', window=(50.0, 200.0))
    assert IntensityWindow(**options)(record)['intensity_range'] == expected


def test_constant_image_is_black_not_nan() -> None:
    out = IntensityWindow()(_results([7.0, 7.0], modality='mri'))
    assert out['img'].tolist() == np.zeros((1, 2, 3)).tolist()


@pytest.mark.parametrize(
    ('bits', 'stored', 'expected'),
    [
        pytest.param(8, [0, 77, 255], [0, 77, 255], id='8 bit untouched'),
        pytest.param(16, [0, 25700, 65535], [0, 100, 255], id='16 bit divided by 257'),
    ],
)
def test_keep_shows_stored_values(bits: int, stored: list[int], expected: list[float]) -> None:
    out = IntensityWindow()(_results(stored, modality='endoscopy', img_bits=bits))
    np.testing.assert_allclose(out['img'][0, :, 0], expected, atol=1e-3)


def test_keep_undoes_the_rescale() -> None:
    results = _results([-1.0, 1.0], modality='fundus', rescale_slope=2 / 255)
    out = IntensityWindow()(results | {'rescale_intercept': -1.0, 'img_bits': 8})
    np.testing.assert_allclose(out['img'][0, :, 0], [0, 255], atol=1e-3)


def test_large_images_are_sampled_on_a_grid_close_to_the_exact_percentiles() -> None:
    image = np.random.default_rng(0).normal(100, 20, (1100, 900)).astype(np.float32)
    out = IntensityWindow()({'img': image, 'modality': 'xray'})
    np.testing.assert_allclose(out['intensity_range'], np.percentile(image, (0.5, 99.5)), atol=1.5)


def test_without_jitter_train_and_test_are_the_same() -> None:
    images = [IntensityWindow()(_results([0, 50], rescale_type='HU'))['img'] for _ in range(2)]
    np.testing.assert_array_equal(*images)


def test_jitter_is_bounded_and_follows_the_numpy_seed() -> None:
    window = IntensityWindow(jitter=0.2)
    ranges = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        ranges.append(window(_results([0.0], rescale_type='HU'))['intensity_range'])
    assert ranges[0] == ranges[1] != ranges[2]
    for low, high in ranges:
        assert 320 <= high - low <= 480
        assert 0 <= (high + low) / 2 <= 80


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'windows': {'ct': 'liver'}}, r"windows\['ct'\] must be one of", id='name'),
        pytest.param({'windows': {'ct': (0, 40)}}, 'width > 0', id='zero width'),
        pytest.param({'windows': {'ct': (400, float('nan'))}}, 'finite', id='nan level'),
        pytest.param({'percentiles': (99, 1)}, 'low < high', id='percentiles'),
        pytest.param({'jitter': 1.0}, 'jitter', id='jitter'),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IntensityWindow(**arguments)


def test_modality_without_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="Record 'a' has modality 'pet'"):
        IntensityWindow()(_results([0.0], modality='pet'))


def test_every_modality_of_the_ontology_has_a_default() -> None:
    assert set(DEFAULT_WINDOWS) == {*Ontology.default().modalities, UNROUTED}
    assert set(DEFAULT_WINDOWS.values()) <= {*WINDOW_PRESETS, 'percentile', 'keep'}
