import math

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmdet_medglip.evaluation import PresenceMetric
from mmdet_medglip.registry import METRICS

CLASSES = ('liver', 'spleen', 'polyp')
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


@pytest.fixture
def metric():
    built = METRICS.build({'type': 'PresenceMetric', 'recalls': (0.5, 1.0)})
    built.dataset_meta = {'classes': CLASSES}
    return built


def told(sample, *probabilities):
    return sample | {'pred_presence': {'scores': torch.tensor(probabilities)}}


def evaluate(metric, samples):
    metric.process({}, samples)
    return metric.evaluate(len(samples))


@pytest.fixture
def samples(make_sample):
    return [
        # Spleen (phrase 0) absent with two boxes, liver found by the box of 0.6.
        told(
            make_sample(
                'a',
                'ct',
                [(0, A)],
                [(0, 0.8, FAR), (1, 0.6, A), (0, 0.1, B)],
                ['spleen', 'liver'],
            ),
            0.75,
            0.75,
        ),
        # Nothing is there and one box is answered for the liver.
        told(make_sample('b', 'ct', [], [(0, 0.4, A)], ['liver', 'spleen']), 0.25, 0.25),
        # Nothing is there and nothing is answered.
        told(make_sample('c', 'endoscopy', [], [(0, 0.2, A)], ['polyp']), 0.25),
        # The polyp is missed by its box.
        told(make_sample('d', 'endoscopy', [(2, B)], [(0, 0.9, FAR)], ['polyp']), 1.0),
    ]


def test_figures_by_hand(metric, samples):
    values = evaluate(metric, samples)
    # Positive 0.75 and 1.0; negative 0.75, 0.25, 0.25, 0.25: of 8 pairs one is tied.
    assert values['presence/AUROC'] == pytest.approx(7.5 / 8)
    # Bin of 0.75: half are there. Bin of 0.25: none of three. Bin of 1: all.
    assert values['presence/ECE'] == pytest.approx((2 * 0.25 + 3 * 0.25) / 6)
    assert values['presence/Brier'] == pytest.approx((2 * 0.0625 + 0.5 - 0.0625 * 0 + 0.1875) / 6)
    assert values['presence/N-acc'] == 0.5
    assert values['presence/false_boxes_per_empty_image'] == 0.5
    # Boxes from 0.3 on at absent phrases: 0.8 and 0.4, of four absent phrases.
    assert values['presence/false_boxes_per_negative'] == pytest.approx(2 / 4)
    assert values['presence/box_recall'] == 0.5
    # Half of the truth is found at 0.6, where one false box scores higher.
    assert values['presence/false_boxes_per_negative@0.5'] == pytest.approx(1 / 4)
    assert math.isnan(values['presence/false_boxes_per_negative@1'])


def test_keys_per_modality_where_they_are_defined(metric, samples):
    values = evaluate(metric, samples)
    assert values['presence/ct/N-acc'] == 0.0
    assert values['presence/endoscopy/N-acc'] == 1.0
    assert values['presence/ct/AUROC'] == pytest.approx(2.5 / 3)
    assert values['presence/endoscopy/AUROC'] == 1.0
    assert values['presence/ct/false_boxes_per_negative@0.5'] == pytest.approx(1 / 3)
    assert 'presence/endoscopy/false_boxes_per_negative@0.5' not in values
    assert 'presence/ct/false_boxes_per_negative@1' in values


def test_without_presence_the_best_box_stands_for_it(metric, make_sample):
    boxes = [(1, 0.2, FAR), (0, 0.3, A), (0, 0.7, A)]
    values = evaluate(
        metric, [make_sample('x', 'ct', [(0, A)], boxes, ['liver', 'spleen', 'polyp'])]
    )
    assert values['presence/AUROC'] == 1.0
    assert values['presence/Brier'] == pytest.approx((0.3**2 + 0.2**2 + 0) / 3)


def test_a_crowd_is_present_but_no_box_to_find(metric, make_sample):
    sample = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver', 'spleen'], crowd=(0,))
    values = evaluate(metric, [told(sample, 0.9, 0.2)])
    assert values['presence/AUROC'] == 1.0
    assert values['presence/false_boxes_per_negative'] == 0.0
    assert math.isnan(values['presence/box_recall'])
    assert math.isnan(values['presence/N-acc'])


def test_score_threshold_decides_what_is_answered(make_sample):
    metric = PresenceMetric(score_threshold=0.0)
    metric.dataset_meta = {'classes': CLASSES}
    values = evaluate(metric, [make_sample('x', 'ct', [], [(0, 0.01, A)], ['liver'])])
    assert values['presence/N-acc'] == 0.0
    assert values['presence/false_boxes_per_negative'] == 1.0


def test_caption_samples_are_left_out_but_keep_their_place(metric, make_sample, samples):
    caption = make_sample('vg', 'xray', [(0, A)], [(0, 0.9, FAR)], phrases=['a nodule'])
    metric.process({}, [caption, *samples])
    assert len(metric.results) == 5
    values = metric.evaluate(5)
    assert not any('xray' in key for key in values)
    assert values['presence/N-acc'] == 0.5


def test_empty_is_a_value(metric, make_sample):
    values = evaluate(metric, [make_sample('x', 'ct', [], [], phrases=['a nodule'])])
    assert set(map(math.isnan, values.values())) == {True}


def test_one_probability_for_each_phrase(metric, make_sample):
    sample = told(make_sample('x', 'ct', [], [], ['liver', 'spleen']), 0.5)
    with pytest.raises(ValueError, match=r"'x': pred_presence\.scores has shape \[1\], but 2"):
        metric.process({}, [sample])


def test_the_evaluator_hands_over_data_samples(make_sample):
    made = make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], ['liver', 'spleen'])
    sample = DetDataSample(metainfo={k: v for k, v in made.items() if k != 'pred_instances'})
    sample.pred_instances = InstanceData(**made['pred_instances'])
    sample.pred_presence = InstanceData(scores=torch.tensor([0.9, 0.2]))
    evaluator = Evaluator([PresenceMetric()])
    evaluator.dataset_meta = {'classes': CLASSES}
    evaluator.process([sample], {})
    assert evaluator.evaluate(1)['presence/ct/AUROC'] == 1.0
