import math

import pytest

from mmdet_medglip.evaluation import PhraseGroundingMetric
from mmdet_medglip.registry import METRICS

CLASSES = ('liver', 'spleen')
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


def evaluate(samples, **kwargs):
    metric = METRICS.build({'type': 'PhraseGroundingMetric', **kwargs})
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_label_and_caption_samples_count_together(make_sample):
    samples = [
        # Phrase 0 (spleen) is hit by its second box, phrase 1 (liver) by its best.
        make_sample(
            'od',
            'ct',
            [(0, A), (1, B)],
            [(0, 0.9, FAR), (0, 0.8, B), (1, 0.7, A)],
            ['spleen', 'liver'],
        ),
        # Two truth boxes: counts for recall, not for accuracy. 'no finding' has no truth.
        make_sample(
            'vg', 'xray', [(1, A), (1, B)], [(1, 0.9, B)], phrases=['no finding', 'nodules']
        ),
    ]
    values = evaluate(samples)
    assert values == pytest.approx(
        {
            'phrase/Recall@1': 2 / 3,
            'phrase/Recall@5': 1.0,
            'phrase/Acc@0.5': 0.5,
            'phrase/ct/Recall@1': 0.5,
            'phrase/ct/Recall@5': 1.0,
            'phrase/ct/Acc@0.5': 0.5,
            'phrase/xray/Recall@1': 1.0,
            'phrase/xray/Recall@5': 1.0,
            'phrase/xray/Acc@0.5': math.nan,
        },
        nan_ok=True,
    )


def test_boxes_of_another_phrase_do_not_help(make_sample):
    values = evaluate([make_sample('x', 'ct', [(0, A)], [(1, 0.9, A)], ['liver', 'spleen'])])
    assert values['phrase/Recall@5'] == 0.0


def test_two_names_of_one_label_are_two_phrases(make_sample):
    values = evaluate([make_sample('x', 'ct', [(0, A)], [(1, 0.9, A)], ['liver', 'liver'])])
    assert values['phrase/Recall@1'] == 0.5


@pytest.mark.parametrize(
    ('truth', 'predictions', 'crowd', 'expected'),
    [
        pytest.param([], [(0, 0.9, A)], (), math.nan, id='absent-phrase-is-not-counted'),
        pytest.param([(0, A)], [], (), 0.0, id='no-predictions-is-a-miss'),
        pytest.param([(0, A)], [(0, 0.9, A)], (0,), math.nan, id='ignored-truth-is-not-counted'),
        pytest.param([(1, A)], [], (), math.nan, id='truth-that-was-not-asked'),
    ],
)
def test_empty_is_a_value(make_sample, truth, predictions, crowd, expected):
    sample = make_sample('x', 'ct', truth, predictions, ['liver'], crowd=crowd)
    values = evaluate([sample])
    assert values['phrase/Recall@1'] == pytest.approx(expected, nan_ok=True)
    assert ('phrase/ct/Recall@1' in values) is not math.isnan(expected)


def test_threshold_and_k_name_the_keys(make_sample):
    sample = make_sample('x', 'ct', [(0, A)], [(0, 0.9, [0, 0, 10, 6])], ['liver'])
    values = evaluate([sample], topk=(10,), iou_threshold=0.75)
    assert values['phrase/Recall@10'] == 0.0
    assert 'phrase/Acc@0.75' in values


def test_unknown_label_is_named(make_sample):
    with pytest.raises(ValueError, match=r"'x': the prompt asks for labels \['heart'\]"):
        evaluate([make_sample('x', 'ct', [], [], ['heart'])])


def test_caption_samples_need_no_classes(make_sample):
    metric = PhraseGroundingMetric()
    metric.process({}, [make_sample('x', 'ct', [(0, A)], [(0, 0.9, A)], phrases=['a mass'])])
    assert metric.evaluate(1)['phrase/Acc@0.5'] == 1.0
