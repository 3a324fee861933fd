import math

import pytest
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmdet_medglip.evaluation import HierarchicalMetric
from mmdet_medglip.registry import METRICS

from ..ancestors import above

CLASSES = ('kidney_left', 'kidney_right', 'liver')
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


@pytest.fixture
def metric():
    built = METRICS.build({'type': 'HierarchicalMetric'})
    built.dataset_meta = {'classes': CLASSES}
    return built


def evaluate(metric, samples):
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_levels_and_modalities(metric, make_sample):
    samples = [
        # Prompt order differs from class order: phrase 1 is the right kidney; it was the left one.
        make_sample(*('ct1', 'ct', [(0, A)], [(1, 0.9, A)]), ['kidney_left', 'kidney_right']),
        make_sample('mr1', 'mri', [(2, B)], [(0, 0.8, B)], ['liver']),
        make_sample('en1', 'endoscopy', [], [], ['liver']),
    ]
    values = evaluate(metric, samples)
    assert values['hierarchy/ct/label/AP50'] == 0
    assert values['hierarchy/ct/class/AP50'] == pytest.approx(1)
    assert values['hierarchy/ct/region/AP'] == pytest.approx(1)
    assert values['hierarchy/label/AP50'] == pytest.approx(0.5)
    assert values['hierarchy/class/AP50'] == pytest.approx(1)
    assert values['hierarchy/region/AP50'] == pytest.approx(1)
    assert not any('endoscopy' in key for key in values)
    assert values['hierarchy/inconsistent_pairs'] == 0


def test_answers_by_what_lies_above_count(metric, make_sample):
    sample = make_sample('x', 'ct', [(0, A)], [], ['kidney_left', 'kidney_right'])
    assert evaluate(metric, [sample])['hierarchy/class/AP50'] == 0
    sample['pred_ancestors'] = above(('kidney', 0.6, A))
    values = evaluate(metric, [sample])
    assert values['hierarchy/label/AP50'] == 0
    assert values['hierarchy/class/AP50'] == pytest.approx(1)
    assert values['hierarchy/region/AP50'] == pytest.approx(1)


def test_inconsistent_pairs(metric, make_sample):
    one = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['kidney_left'])
    one['pred_ancestors'] = above(('kidney', 0.6, A), ('abdomen', 0.95, FAR))
    assert evaluate(metric, [one])['hierarchy/inconsistent_pairs'] == 0, 'none of them was asked'
    one['asked_above'] = ('kidney', 'abdomen')
    # The left kidney lacks a kidney as good and an abdomen, the kidney an abdomen.
    assert evaluate(metric, [one])['hierarchy/inconsistent_pairs'] == 3
    asked = make_sample(
        *('y', 'ct', [(0, A)], [(0, 0.9, A), (1, 0.9, A), (1, 0.2, B)]), ['kidney_left', 'kidney']
    )
    assert evaluate(metric, [asked, one])['hierarchy/inconsistent_pairs'] == 3


@pytest.mark.parametrize(
    ('truth', 'predictions', 'expected'),
    [
        pytest.param([], [], math.nan, id='no-boxes-at-all'),
        pytest.param([], [(0, 0.9, A)], math.nan, id='no-truth'),
        pytest.param([(2, A)], [], 0.0, id='no-predictions'),
    ],
)
def test_empty_is_a_value(metric, make_sample, truth, predictions, expected):
    values = evaluate(metric, [make_sample('x', 'ct', truth, predictions, ['liver'])])
    assert values['hierarchy/region/AP50'] == pytest.approx(expected, nan_ok=True)
    assert ('hierarchy/ct/region/AP50' in values) is bool(truth)


def test_caption_samples_are_left_out_but_keep_their_place(metric, make_sample):
    samples = [
        make_sample('vg', 'xray', [(0, A)], [(0, 0.9, FAR)], phrases=['a nodule']),
        make_sample('od', 'ct', [(2, A)], [(0, 0.9, A)], ['liver']),
    ]
    metric.process({}, samples)
    assert len(metric.results) == 2
    assert metric.evaluate(2)['hierarchy/label/AP50'] == pytest.approx(1)


def test_the_evaluator_hands_over_data_samples(make_sample):
    made = make_sample('x', 'ct', [(0, A)], [], ['kidney_left'])
    sample = DetDataSample(metainfo={k: v for k, v in made.items() if k != 'pred_instances'})
    sample.pred_instances = InstanceData(**made['pred_instances'])
    sample.pred_ancestors = InstanceData(**above(('kidney', 0.6, A)))
    evaluator = Evaluator([HierarchicalMetric()])
    evaluator.dataset_meta = {'classes': CLASSES}
    evaluator.process([sample], {})
    assert evaluator.evaluate(1)['hierarchy/class/AP'] == pytest.approx(1)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'modality': None}, r"'x' has no 'modality'.*meta_keys", id='modality'),
        pytest.param({'phrase_labels': ['heart']}, r"labels \['heart'\]", id='unknown-label'),
        pytest.param(
            {'instances': [{'bbox': A, 'bbox_label': 7}]}, '`instances` name labels 7', id='truth'
        ),
        pytest.param(
            {'pred_ancestors': above(('chest', 0.5, A))}, r"above them, got \['chest'\]", id='node'
        ),
        pytest.param(
            {'pred_ancestors': above(('kidney', 0.5, A))}, "answers by 'kidney'", id='not-above'
        ),
        pytest.param(
            {'pred_ancestors': above(('abdomen', 0.5, A)) | {'scores': [0.5, 0.4]}},
            'got 1, 2, 1 of them',
            id='lengths',
        ),
    ],
)
def test_bad_samples_are_named(metric, make_sample, change, message):
    sample = make_sample('x', 'ct', [(2, A)], [(0, 0.9, A)], ['liver']) | change
    with pytest.raises(ValueError, match=message):
        metric.process({}, [sample])
