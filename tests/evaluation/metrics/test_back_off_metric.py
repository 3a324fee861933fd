import math

import cv2
import pytest

from mmdet_medglip.registry import METRICS

from ..ancestors import above

A, B = [0, 0, 10, 10], [40, 40, 60, 60]


def build(**arguments):
    metric = METRICS.build({'type': 'BackOffMetric'} | arguments)
    metric.dataset_meta = {'classes': ('kidney_left', 'kidney_right', 'liver')}
    return metric


def samples(make_sample):
    """A liver that is surely right, a left kidney that is unsurely taken for the right one."""
    liver = make_sample('a', 'ct', [(2, B)], [(0, 0.9, B)], ['liver'])
    kidney = make_sample('b', 'ct', [(0, A)], [(0, 0.4, A)], ['kidney_right'])
    kidney['pred_ancestors'] = above(('kidney', 0.8, A))
    caption = {'img_id': 'c', 'modality': 'ct', 'text': 'a kidney', 'instances': []}
    return [liver, kidney, caption]


def test_back_off_lowers_the_risk(make_sample, tmp_path):
    picture = tmp_path / 'curves' / 'risk.png'
    metric = build(picture=str(picture))
    given = samples(make_sample)
    metric.process({}, given)
    values = metric.evaluate(len(given))
    # Labels alone: no risk up to coverage 0.5, one answer of two is wrong beyond.
    assert values['back_off/label/AURC'] == pytest.approx(0.25)
    # The kidney is answered as kidney, at 0.8, before its label reaches any threshold.
    assert values['back_off/AURC'] == pytest.approx(0.25 - 0.25)
    assert cv2.imread(str(picture)).std() > 5


def test_no_box_gives_no_figure(make_sample):
    metric = build()
    metric.process({}, [make_sample('a', 'ct', [(2, B)], [], ['liver'])])
    values = metric.evaluate(1)
    assert set(values) == {'back_off/AURC', 'back_off/label/AURC'}
    assert all(map(math.isnan, values.values()))
