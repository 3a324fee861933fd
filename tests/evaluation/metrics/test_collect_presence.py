import math

import pytest
import torch

from mmdet_medglip.evaluation import CollectPresence

CLASSES = ('liver', 'spleen', 'polyp')
A, FAR = [0, 0, 10, 10], [80, 80, 90, 90]


def collect(samples, **options):
    metric = CollectPresence(**options)
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, samples)
    return metric, metric.evaluate(len(samples))


@pytest.fixture
def sample(make_sample):
    made = make_sample('x', 'ct', [(0, A), (0, FAR)], [(1, 0.8, A)], ['spleen', 'liver'])
    return made | {'pred_presence': {'logits': torch.tensor([-2.0, 1.5])}}


def test_one_example_of_each_asked_phrase(sample, make_sample):
    caption = make_sample('vg', 'ct', [(0, A)], [], phrases=['a nodule'])
    metric, counts = collect([sample, caption, sample])
    assert metric.examples.phrases == ['spleen', 'liver'] * 2
    assert metric.examples.logits.tolist() == [-2.0, 1.5] * 2
    assert metric.examples.present.tolist() == [False, True] * 2
    assert counts == {'presence/present': 2, 'presence/absent': 2}


def test_boxes_are_evidence_of_any_detector(sample):
    del sample['pred_presence']
    metric, _ = collect([sample], evidence='box_score')
    expected = [math.log(0.001 / 0.999), math.log(4)]
    assert metric.examples.logits.tolist() == pytest.approx(expected)


def test_a_detector_without_head_is_told_what_to_do(sample):
    del sample['pred_presence']
    with pytest.raises(ValueError, match=r"'x': the detector has no presence head.*box_score"):
        collect([sample])


def test_captions_alone_give_no_example(make_sample):
    metric, counts = collect([make_sample('vg', 'ct', [(0, A)], [], phrases=['a nodule'])])
    assert len(metric.examples.phrases) == len(metric.examples.logits) == 0
    assert counts == {'presence/present': 0, 'presence/absent': 0}


def test_unknown_evidence_is_named():
    with pytest.raises(ValueError, match=r"evidence must be one of .* got 'mood'"):
        CollectPresence(evidence='mood')
