import math
import pickle

import numpy as np
import pytest
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmdet_medglip.evaluation import MedCocoMetric
from mmdet_medglip.registry import METRICS

CLASSES = ('liver', 'spleen', 'polyp')
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


@pytest.fixture
def metric():
    built = METRICS.build({'type': 'MedCocoMetric'})
    built.dataset_meta = {'classes': CLASSES}
    return built


def evaluate(metric, samples):
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_keys_and_values_per_modality_and_label(metric, make_sample):
    samples = [
        # Prompt order differs from class order: phrase 0 is the spleen.
        make_sample('ct1', 'ct', [(0, A), (1, B)], [(1, 0.9, A)], ['spleen', 'liver']),
        make_sample('mr1', 'mri', [(0, B)], [(0, 0.9, FAR), (0, 0.8, B)], ['liver']),
        make_sample('en1', 'endoscopy', [], [], ['polyp']),
    ]
    values = evaluate(metric, samples)
    assert values['coco/ct/liver/AP50'] == pytest.approx(1.0)
    assert values['coco/ct/spleen/AP50'] == 0.0
    assert values['coco/ct/AP50'] == pytest.approx(0.5)
    assert values['coco/mri/AP50'] == values['coco/mri/liver/AP'] == pytest.approx(0.5)
    # Pooled liver, by score: hit (ct), false, hit (mri), or false first; 0.9 ties keep image
    # order: precision 1 to recall 0.5 (51 points), then 2/3 (50 points). Spleen: 0.
    pooled_liver = (51 + 50 * 2 / 3) / 101
    assert values['coco/AP50'] == pytest.approx(pooled_liver / 2)
    assert not any('endoscopy' in key or 'polyp' in key for key in values)


@pytest.mark.parametrize(
    ('truth', 'predictions', 'expected'),
    [
        pytest.param([], [], math.nan, id='no-boxes-at-all'),
        pytest.param([], [(0, 0.9, A)], math.nan, id='no-truth'),
        pytest.param([(0, A)], [], 0.0, id='no-predictions'),
    ],
)
def test_empty_is_a_value(metric, make_sample, truth, predictions, expected):
    values = evaluate(metric, [make_sample('x', 'ct', truth, predictions, ['liver'])])
    assert values['coco/AP50'] == pytest.approx(expected, nan_ok=True)
    assert ('coco/ct/AP50' in values) is bool(truth)


def test_without_per_label_only_modalities_have_keys(make_sample):
    metric = MedCocoMetric(per_label=False)
    metric.dataset_meta = {'classes': CLASSES}
    values = evaluate(metric, [make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver'])])
    assert set(values) == {'coco/AP', 'coco/AP50', 'coco/ct/AP', 'coco/ct/AP50'}


def test_caption_samples_are_left_out_but_keep_their_place(metric, make_sample):
    samples = [
        make_sample('vg', 'xray', [(0, A)], [(0, 0.9, FAR)], phrases=['a nodule']),
        make_sample('od', 'ct', [(0, A)], [(0, 0.9, A)], ['liver']),
    ]
    metric.process({}, samples)
    assert len(metric.results) == 2
    assert metric.evaluate(2)['coco/AP50'] == pytest.approx(1.0)


def test_results_are_small_arrays(metric, make_sample):
    predictions = [(0, 0.5, A)] * 100
    metric.process({}, [make_sample('x', 'ct', [(0, A)], predictions, ['liver'])])
    _, kept = metric.results[0]
    assert kept.boxes.dtype == np.float32
    assert len(pickle.dumps(metric.results)) < 5000


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'modality': None}, "'x' has no 'modality'.*meta_keys", id='modality'),
        pytest.param({'instances': None}, "'x' has no 'instances'", id='instances'),
        pytest.param({'phrase_labels': ['heart']}, r"labels \['heart'\]", id='unknown-label'),
        pytest.param({'text': [], 'phrase_labels': []}, 'but 0 were asked', id='not-asked'),
        pytest.param({'text': 'liver.'}, "list of phrases, got 'liver.'", id='text-not-a-list'),
        pytest.param(
            {'instances': [{'bbox': A, 'bbox_label': 7}]}, '`instances` name labels 7', id='truth'
        ),
    ],
)
def test_bad_samples_are_named(metric, make_sample, change, message):
    sample = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver']) | change
    with pytest.raises(ValueError, match=message):
        metric.process({}, [sample])


def test_the_evaluator_hands_over_data_samples(make_sample):
    made = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver'])
    sample = DetDataSample(metainfo={k: v for k, v in made.items() if k != 'pred_instances'})
    sample.pred_instances = InstanceData(**made['pred_instances'])
    evaluator = Evaluator([MedCocoMetric()])
    evaluator.dataset_meta = {'classes': CLASSES}
    evaluator.process([sample], {})
    assert evaluator.evaluate(1)['coco/ct/liver/AP'] == pytest.approx(1.0)


def test_without_classes_the_metric_says_so(make_sample):
    with pytest.raises(ValueError, match=r"metainfo\['classes'\], got None"):
        MedCocoMetric().process({}, [make_sample('x', 'ct', [], [], ['liver'])])
