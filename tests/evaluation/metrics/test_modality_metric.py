import pytest

from mmdet_medglip.evaluation import ModalityMetric
from mmdet_medglip.registry import METRICS


def sample(
    modality: str, by: str = 'image', likeliest: str | None = None, **fields: object
) -> dict:
    routing = dict(modality=modality, by=by, confidence=1, distance=0, likeliest=likeliest)
    return dict(img_id='a', modality=modality, routing=routing, **fields)


def evaluate(samples: list[dict]) -> dict:
    metric = METRICS.build(dict(type='ModalityMetric'))
    assert isinstance(metric, ModalityMetric)
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_the_hidden_truth_is_what_counts():
    values = evaluate(
        [
            sample('ct', likeliest='ct', true_modality='ct'),
            sample('mri', likeliest='mri', true_modality='ct'),
            sample('unrouted', by='abstained', likeliest='ct', true_modality='ct'),
            sample('fundus', likeliest='fundus', true_modality='fundus'),
        ]
    )
    assert values['routing/right'] == 0.5
    assert values['routing/wrong'] == values['routing/abstained'] == 0.25
    assert values['routing/accuracy'] == 0.75
    assert values['routing/ct/right'] == pytest.approx(1 / 3)
    assert values['routing/fundus/right'] == 1.0


def test_given_modalities_are_right():
    assert evaluate([sample('ct', by='given')])['routing/accuracy'] == 1.0


def test_a_sample_without_route_is_an_error():
    with pytest.raises(ValueError, match="has no 'routing'"):
        evaluate([dict(img_id='a', modality='ct')])
