import pytest

from mmdet_medglip.registry import METRICS

META = {'classes': ('liver', 'spleen'), 'class_names': ('liver', 'spleen')}
A, FAR = [0, 0, 10, 10], [80, 80, 90, 90]


def evaluate(samples, **kwargs):
    metric = METRICS.build({'type': 'VolumeMetric', **kwargs})
    metric.dataset_meta = META
    metric.process({}, samples)
    return metric.evaluate(len(samples))


@pytest.fixture
def make_slice(make_sample):
    def make(number, truth, predictions, labels=('liver', 'spleen')):
        sample = make_sample(number, 'ct', truth, predictions, list(labels))
        for instance in sample['instances']:
            instance['volume_instance_id'] = 'one'
        return sample | {'series_id': 's', 'slice_index': number, 'patient_id': 'p'}

    return make


def test_slices_are_linked_and_measured(make_slice):
    samples = [
        make_slice(0, [(0, A)], [(0, 0.9, A)]),
        make_slice(1, [(0, A)], [(0, 0.8, A), (1, 0.7, FAR)]),
    ]
    figures = evaluate(samples)
    assert figures['volume/AP@0.1'] == figures['volume/AP@0.1:0.5'] == 1
    assert figures['volume/sensitivity@1'] == 1
    assert figures['volume/volumes'] == 1


def test_closed_set_labels_and_settings(make_slice):
    samples = [
        make_slice(0, [(1, A)], [(1, 0.9, A)]),
        make_slice(1, [(1, A)], []),
        make_slice(2, [(1, A)], [(1, 0.9, A)]),
    ]
    assert evaluate(samples, closed_set=True)['volume/AP50'] == 1
    # Without a gap there are two boxes of IoU 1/3.
    apart = evaluate(samples, closed_set=True, link={'max_gap': 0})
    assert apart['volume/AP50'] == 0
    assert apart['volume/AP@0.1'] == 1
    assert evaluate(samples, closed_set=True, link={'max_gap': 0}, froc_iou=0.5)['volume/CPM'] == 0


def test_images_that_are_no_slices_have_no_figures(make_sample):
    assert evaluate([make_sample('a', 'ct', [(0, A)], [(0, 0.9, A)], ['liver'])]) == {}


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        pytest.param({'froc_iou': 0}, r'froc_iou must lie in \(0, 1\]', id='froc'),
        pytest.param({'link': {'overlap': 2}}, r'overlap must lie in \(0, 1\]', id='link'),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        METRICS.build({'type': 'VolumeMetric', **kwargs})
