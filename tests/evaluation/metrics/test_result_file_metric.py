import numpy as np
import pytest

from mmdet_medglip.evaluation import load_results
from mmdet_medglip.registry import METRICS

META = {'classes': ('liver', 'spleen', 'polyp'), 'class_names': ('liver', 'spleen', 'polyp(s)')}
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


def write(tmp_path, samples, **kwargs):
    path = tmp_path / 'results.npz'
    metric = METRICS.build({'type': 'ResultFileMetric', 'out_file': str(path), **kwargs})
    metric.dataset_meta = META
    metric.process({}, samples)
    assert metric.evaluate(len(samples)) == {'results/images': len(samples)}
    return load_results(path)


def test_label_and_caption_samples_are_written(tmp_path, make_sample):
    samples = [
        make_sample(2, 'ct', [(0, A), (2, B)], [(1, 0.9, A)], ['spleen', 'liver'], crowd=[1])
        | {'source': 'set', 'patient_id': 'p', 'body_region': 'abdomen', 'img_path': 'x.png'},
        make_sample('1', 'xray', [(1, B)], [(0, 0.5, B)], phrases=['a mass', 'two masses']),
    ]
    found = write(tmp_path, samples, config='ct.py', checkpoint='last.pth', info={'seed': '3'})
    assert (found.classes, found.class_names) == (META['classes'], META['class_names'])
    assert (found.config, found.checkpoint, found.info) == ('ct.py', 'last.pth', {'seed': '3'})
    caption, image = found.images
    assert (image.image_id, image.height, image.width) == ('2', 100, 100)
    assert (image.source, image.patient_id, image.body_region) == ('set', 'p', 'abdomen')
    assert image.asked.tolist() == [1, 0]
    assert (image.labels.tolist(), image.scores.tolist()) == ([0], [np.float32(0.9)])
    assert (image.gt_labels.tolist(), image.gt_ignore.tolist()) == ([0, 2], [False, True])
    assert (caption.asked, caption.phrases) == (None, ('a mass', 'two masses'))
    assert (caption.gt_labels.tolist(), caption.patient_id) == ([1], '')


def test_place_in_a_volume_is_kept(tmp_path, make_sample):
    sample = make_sample('x', 'ct', [(0, A), (1, B)], [], ['liver'])
    sample |= {'series_id': 's', 'slice_index': 0, 'source': 'set', 'patient_id': 'p'}
    sample['instances'][1]['volume_instance_id'] = 'spleen:2'
    (image,) = write(tmp_path, [sample]).images
    assert image.volume == ('set', 'p', 's')
    assert (image.slice_index, image.gt_objects) == (0, ('', 'spleen:2'))


def test_presence_and_answers_above_are_kept(tmp_path, make_sample):
    sample = make_sample('x', 'ct', [], [], ['liver'])
    sample |= {
        'pred_presence': {'scores': np.array([0.25])},
        'pred_ancestors': {'bboxes': [A], 'scores': [0.5], 'nodes': ['abdomen']},
        'true_modality': 'mri',
    }
    (image,) = write(tmp_path, [sample]).images
    assert image.presence.tolist() == [0.25]
    assert (image.above_nodes, image.above_boxes.tolist()) == (('abdomen',), [A])
    assert image.modality == 'mri', 'the truth, not what the router takes it for'


@pytest.mark.parametrize(
    ('asked', 'labels'),
    [
        pytest.param(['polyp', 'liver', 'liver'], [2, 0], id='asked-by-the-pipeline'),
        pytest.param(None, [2, 1, 0], id='all-classes'),
    ],
)
def test_closed_set_labels_are_those_of_the_data_set(tmp_path, make_sample, asked, labels):
    sample = make_sample(
        'x', 'ct', [(0, A)], [(2, 0.9, A), (1, 0.8, B), (0, 0.7, FAR)], phrase_labels=asked
    )
    (image,) = write(tmp_path, [sample], closed_set=True).images
    assert image.labels.tolist() == labels
    assert len(image.boxes) == len(labels)
    assert [image.phrases[i] for i in image.box_phrases] == [META['classes'][i] for i in labels]


def test_batches_and_order_leave_no_trace(tmp_path, make_sample):
    samples = [make_sample(str(i), 'ct', [(0, A)], [(0, i / 9, A)], ['liver']) for i in range(5)]
    write(tmp_path, samples)
    first = (tmp_path / 'results.npz').read_bytes()
    metric = METRICS.build(
        {'type': 'ResultFileMetric', 'out_file': str(tmp_path / 'other.npz'), 'prefix': 'again'}
    )
    metric.dataset_meta = META
    metric.process({}, samples[3:])
    metric.process({}, samples[:3])
    metric.evaluate(5)
    assert (tmp_path / 'other.npz').read_bytes() == first


@pytest.mark.parametrize(
    ('change', 'closed_set', 'message'),
    [
        pytest.param({'modality': None}, False, "'x' has no 'modality'", id='modality'),
        pytest.param({'ori_shape': None}, False, "'x' has no 'ori_shape'", id='size'),
        pytest.param({'phrase_labels': ['heart']}, False, r"labels \['heart'\]", id='label'),
        pytest.param(
            {'pred_instances': {'bboxes': [A], 'scores': [1.0], 'labels': [3]}},
            True,
            'name labels 3 to 3, but 3',
            id='closed-set',
        ),
    ],
)
def test_bad_samples_are_named(tmp_path, make_sample, change, closed_set, message):
    sample = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver']) | change
    with pytest.raises(ValueError, match=message):
        write(tmp_path, [sample], closed_set=closed_set)


def test_out_file_must_be_npz():
    with pytest.raises(ValueError, match=r'out_file must end in \.npz'):
        METRICS.build({'type': 'ResultFileMetric', 'out_file': 'results.pkl'})
