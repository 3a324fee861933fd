"""Label volumes become masks per slice."""

import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import (
    Structure,
    UnmappedValue,
    check_labels,
    objects_of_labels,
    regions_at,
    structure_of_mask,
    structures_of_labels,
)

_SIZE = (6, 8)


def _labels() -> np.ndarray:
    """(6, 8, 4): 1 is an organ, 2 a lesion in two places, 7 is nobody's."""
    labels = np.zeros((*_SIZE, 4), dtype=np.uint8)
    labels[1:4, 2:5, 1:3] = 1
    labels[1, 2, 1:3] = 2
    labels[5, 7, 2] = 2
    labels[0, 0, 3] = 7
    return labels


def _policy(name: str) -> str | None:
    return {'organ': 'single', 'lesion': 'components'}.get(name)


def _find(labels: np.ndarray) -> tuple[list[Structure], list[UnmappedValue]]:
    return structures_of_labels(labels, {'organ': [1, 2], 'lesion': [2], 'none': [9]}, _policy)


@pytest.mark.parametrize('order', ['C', 'F'])
def test_regions_of_each_slice(order: str) -> None:
    labels = np.array(_labels(), order=order)
    structures, _ = _find(labels)
    shown = {
        index: {
            region.volume_instance_id: np.argwhere(region.mask).tolist()
            for region in regions_at(structures, index, _SIZE)
        }
        for index in range(4)
    }
    organ = [[r, c] for r in (1, 2, 3) for c in (2, 3, 4)]
    assert shown[0] == shown[3] == {}
    assert shown[1] == {'organ': organ, 'lesion:1': [[1, 2]]}
    assert shown[2] == {
        'organ': [*organ, [5, 7]],
        'lesion:1': [[1, 2]],
        'lesion:2': [[5, 7]],
    }


def test_class_masks_are_no_objects() -> None:
    structures, _ = _find(_labels())
    regions = regions_at(structures, 2, _SIZE)
    assert [region.name for region in regions] == ['organ', 'lesion', 'lesion']
    assert not any(region.is_object for region in regions)


def test_values_without_name_are_told() -> None:
    labels = _labels()
    labels[0, :3, 0] = 7
    assert _find(labels)[1] == [UnmappedValue(value=7, slices=2, voxels=4)]


def test_corners_hold_a_component_together() -> None:
    mask = np.zeros((4, 4, 2), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    structure = structure_of_mask('lesion', mask, 'components')
    assert structure is not None
    assert [r.volume_instance_id for r in structure.regions(1, (4, 4))] == ['lesion:1']


def test_mask_may_begin_inside_the_volume() -> None:
    mask = np.zeros((2, 2, 1))
    mask[1, 1, 0] = 255
    structure = structure_of_mask('organ', mask, 'single', offset=(3, 4, 2))
    assert structure is not None
    (region,) = structure.regions(2, _SIZE)
    assert np.argwhere(region.mask).tolist() == [[4, 5]]
    assert structure.regions(1, _SIZE) == structure.regions(3, _SIZE) == []


def test_empty_volumes_have_no_structures() -> None:
    empty = np.zeros((*_SIZE, 4), dtype=np.uint8)
    assert _find(empty) == ([], [])
    assert structure_of_mask('organ', empty, 'single') is None
    assert objects_of_labels('organ', empty, 'organ') == []


def test_numbered_objects() -> None:
    (structure,) = objects_of_labels('cell', _labels(), 'cell')
    regions = regions_at([structure], 2, _SIZE)
    assert [region.volume_instance_id for region in regions] == ['cell:1', 'cell:2']
    assert all(region.is_object for region in regions)


@pytest.mark.parametrize(
    ('labels', 'dtype'),
    [
        pytest.param(np.array([0, 3], np.uint8), np.uint8, id='bytes'),
        pytest.param(np.array([0.0, 3.0]), np.uint8, id='whole-fractions'),
        pytest.param(np.array([0, 300], np.int64), np.uint16, id='large'),
        pytest.param(np.array([False, True]), np.uint8, id='bool'),
    ],
)
def test_types_of_labels(labels: np.ndarray, dtype: type) -> None:
    found = check_labels(labels, 'a.nii')
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        pytest.param(np.array([-1, 3]), 'a.nii holds label values from -1 to 3', id='negative'),
        pytest.param(np.array([0, 70000]), 'expected 0 to 65535', id='too-large'),
        pytest.param(np.array([0.5]), 'not whole numbers', id='fraction'),
        pytest.param(np.array([np.nan]), 'label values from nan', id='nan'),
        pytest.param(np.array([1j]), 'expected label numbers', id='complex'),
    ],
)
def test_bad_labels(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_labels(labels, 'a.nii')
