import numpy as np
import pytest

from mmdet_medglip.benchmark.comparison import (
    MACRO,
    Interval,
    compare_entries,
    stratified_resamples,
)
from mmdet_medglip.evaluation import Results

from .conftest import results_of, write_store


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp('comparison') / 'store', seed=0)


def modality_of(store, number: int) -> str:
    return store[int(store.indices('test')[number])].modality


def test_scores_are_means_over_labels_modalities_and_seeds(store):
    perfect = results_of(store, lambda number: True)
    nothing = results_of(store, lambda number: False)
    ct_only = results_of(store, lambda number: modality_of(store, number) == 'ct')
    found = compare_entries(
        {'a': {0: perfect, 1: nothing}, 'b': {0: ct_only, 1: ct_only}}, 'a', repeats=20
    )
    values = {name: one.value for name, one in found['a'].ap50.items()}
    assert values == pytest.approx({MACRO: 0.5, 'ct': 0.5, 'xray': 0.5})
    assert found['a'].by_seed == pytest.approx({0: 1.0, 1: 0.0})
    assert found['a'].difference is None
    assert found['b'].ap50[MACRO].value == pytest.approx(0.5)
    differences = {name: one.value for name, one in found['b'].difference.items()}
    assert differences == pytest.approx({MACRO: 0.0, 'ct': 0.5, 'xray': -0.5})
    assert found['b'].difference['ct'] == Interval(0.5, 0.5, 0.5)
    assert found['a'].patients == 4


def test_the_interval_is_that_of_patients_not_of_images(store):
    """Half of the xray patients are found: resamples hold none, one or both of the two."""
    patients = [store[int(row)].patient_id for row in store.indices('test')]
    half = results_of(store, lambda number: patients[number] != 'xray-p4')
    whole = results_of(store, lambda number: True)
    found = compare_entries({'whole': {0: whole}, 'half': {0: half}}, 'whole', repeats=200)
    assert found['half'].ap50['xray'] == Interval(
        pytest.approx(found['half'].ap50['xray'].value), 0.0, 1.0
    )
    assert found['half'].difference['xray'].low == pytest.approx(-1.0)
    assert found['half'].difference['xray'].high == pytest.approx(0.0)
    assert found['half'].ap50['ct'] == Interval(1.0, 1.0, 1.0)


def test_the_same_results_differ_by_nothing(store):
    half = results_of(store, lambda number: number % 2 == 0)
    found = compare_entries({'a': {0: half}, 'b': {7: half}}, 'a', repeats=50)
    assert set(found['b'].difference.values()) == {Interval(0.0, 0.0, 0.0)}


def test_results_of_other_images_are_refused(store, tmp_path):
    whole = results_of(store, lambda number: True)
    part = whole.select(lambda image: image.modality == 'ct')
    with pytest.raises(ValueError, match=r"'b' \(seed 0\) cannot be compared: 4 images are in one"):
        compare_entries({'a': {0: whole}, 'b': {0: part}}, 'a')
    with pytest.raises(ValueError, match='no image that was asked for labels'):
        compare_entries({'a': {0: Results((), (), ())}}, None)
    assert compare_entries({}, None) == {}


def test_resamples_keep_the_number_of_patients_of_each_modality():
    patients = ['a', 'a', 'b', None, None, 'c']
    modalities = ['ct', 'ct', 'ct', 'mri', 'mri', 'mri']
    found = stratified_resamples(patients, modalities, repeats=100, seed=3)
    for rows in found:
        drawn = [patients[row] if patients[row] else row for row in rows]
        assert sum(1 if patient != 'a' else 0.5 for patient in drawn[: len(rows)]) == 5
        assert sum(modalities[row] == 'mri' for row in rows) == 3
    assert {3, 4, 5} <= set(np.concatenate(found).tolist())
    again = stratified_resamples(patients, modalities, repeats=100, seed=3)
    assert all(np.array_equal(one, other) for one, other in zip(found, again, strict=True))


def test_one_patient_has_no_interval(store):
    one = results_of(store, lambda number: True).select(lambda image: image.patient_id == 'ct-p3')
    found = compare_entries({'a': {0: one}}, 'a', repeats=5)
    assert found['a'].ap50['ct'].value == 1.0
    assert np.isnan(found['a'].ap50['ct'].low)
