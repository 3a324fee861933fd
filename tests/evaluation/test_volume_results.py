import numpy as np
import pytest

from mmdet_medglip.evaluation.parts import parts_of, whole
from mmdet_medglip.evaluation.volume_results import measure_volumes, volumes_of
from mmdet_medglip.volumes import LinkSettings

A, B = [0, 0, 10, 10], [2, 0, 12, 10]


@pytest.fixture
def make_slice(make_image):
    """Build a slice of a volume; truth is (label, box, object)."""

    def make(number, answers=(), truth=(), series='s', asked=(0, 1), **changes):
        return make_image(
            f'{series}/{number}/{changes.get("patient_id", "")}',
            'ct',
            list(asked),
            answers,
            [(label, box) for label, box, _ in truth],
            series_id=series,
            slice_index=number,
            gt_objects=tuple(name for *_, name in truth),
            **changes,
        )

    return make


def test_slices_become_volumes_of_linked_boxes_and_objects(make_slice, make_results):
    results = make_results(
        make_slice(4, [(0, 0.9, A)], [(0, A, 'liver'), (1, B, 'k:1')]),
        make_slice(5, [(0, 0.8, B)], [(0, B, 'liver'), (1, B, 'k:2')]),
        make_slice(6, [], []),
        make_slice(0, [(1, 0.5, A)], [], series='t'),
    )
    found = volumes_of(whole(results))
    assert found.names == (('', '', 's'), ('', '', 't'))
    first, second = found.volumes
    assert first.boxes.tolist() == [[0, 0, 4, 12, 10, 6]]
    assert first.gt_boxes.tolist() == [
        [0, 0, 4, 12, 10, 6],
        [2, 0, 4, 12, 10, 5],
        [2, 0, 5, 12, 10, 6],
    ]
    assert first.gt_labels.tolist() == [0, 1, 1]
    assert (len(second.gt_boxes), second.boxes.tolist()) == (0, [[0, 0, 0, 10, 10, 1]])
    assert found.left_out == {}


def test_figures_by_hand(make_slice, make_results):
    """One organ found over both its slices, one missed; nothing false."""
    results = make_results(
        make_slice(4, [(0, 0.9, A)], [(0, A, 'liver'), (1, A, 'k')]),
        make_slice(5, [(0, 0.8, A)], [(0, A, 'liver')]),
    )
    figures = measure_volumes(volumes_of(whole(results)))
    assert figures['volume/AP@0.1'] == figures['volume/AP@0.1:0.5'] == 0.5
    assert figures['volume/AP50'] == 0.5
    assert figures['volume/sensitivity@1'] == figures['volume/CPM'] == 0.5
    assert figures['volume/CPM_labels'] == 0.5
    assert figures['volume/volumes'] == 1


def test_link_settings_reach_the_volumes(make_slice, make_results):
    part = whole(make_results(make_slice(0, [(0, 0.9, A)]), make_slice(2, [(0, 0.9, A)])))
    assert len(volumes_of(part).volumes[0].boxes) == 1, 'the only slices are neighbours'
    results = make_results(*(make_slice(n, [(0, 0.9, A)] if n != 1 else []) for n in range(3)))
    assert len(volumes_of(whole(results), LinkSettings(max_gap=0)).volumes[0].boxes) == 2
    assert len(volumes_of(whole(results), LinkSettings(max_gap=1)).volumes[0].boxes) == 1


def test_patients_with_one_series_name_are_two_volumes(make_slice, make_results):
    results = make_results(make_slice(0, patient_id='p'), make_slice(0, patient_id='q'))
    assert len(volumes_of(whole(results)).volumes) == 2


def test_what_makes_no_volume_is_counted(make_slice, make_image, make_results):
    results = make_results(
        make_image('x', 'ct', [0]),
        make_slice(0, [], [(0, A, '')], series='without'),
        make_slice(1, [], [], series='without'),
        make_slice(0, series='sizes'),
        make_slice(1, series='sizes', height=100),
        make_slice(3, series='good'),
    )
    twice = [make_slice(0, series='twice'), make_slice(0, series='twice', source='')]
    object.__setattr__(twice[1], 'image_id', 'another')
    found = volumes_of(whole(make_results(*results.images, *twice)))
    assert found.left_out == {
        'no slice of a volume': 1,
        'truth without volume_instance_id': 2,
        'slices of several sizes': 2,
        'two slices of one number': 2,
    }
    assert [name for *_, name in found.names] == ['good']
    assert measure_volumes(volumes_of(whole(make_results(make_image('x', 'ct', [0]))))) == {}


def test_crowds_empty_boxes_and_labels_not_asked(make_slice, make_results):
    results = make_results(
        make_slice(0, [(0, 0.9, [5, 5, 5, 9])], [(0, A, 'a'), (1, A, 'b')], asked=[0], crowd=[0]),
        make_slice(1, [], [(0, A, 'a')], asked=[0]),
    )
    (volume,) = volumes_of(whole(results)).volumes
    assert (len(volume.boxes), volume.asked.tolist()) == (0, [0])
    assert (volume.gt_ignore.tolist(), volume.gt_labels.tolist()) == ([True], [0])


def test_parts_by_label_and_no_parts_by_size_or_level(make_slice, make_results):
    results = make_results(make_slice(0, [(0, 0.9, A)], [(0, A, 'a'), (1, B, 'b')]))
    parts = parts_of(results, 'label')
    assert measure_volumes(volumes_of(parts['liver']))['volume/AP50'] == 1
    assert measure_volumes(volumes_of(parts['kidney_left']))['volume/AP50'] == 0
    for by in ('size', 'level'):
        with pytest.raises(ValueError, match='not measured by size or level'):
            for part in parts_of(results, by).values():
                volumes_of(part)


def test_every_third_slice(make_slice, make_results):
    slices = [make_slice(n, [(0, 0.9, A)], [(0, A, 'a')]) for n in (3, 6, 12)]
    (volume,) = volumes_of(whole(make_results(*slices))).volumes
    assert volume.boxes.tolist() == volume.gt_boxes.tolist() == [[0, 0, 2, 10, 10, 14]]
    assert volume.boxes.dtype == np.float64
