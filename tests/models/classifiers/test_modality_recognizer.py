import pytest
import torch
from mmdet.structures import DetDataSample

from mmdet_medglip.models.classifiers import ModalityRecognizer, thumbnails_of
from mmdet_medglip.registry import MODELS

CONFIG = dict(
    type='ModalityRecognizer',
    modality_classifier=dict(
        type='ModalityClassifier',
        modalities=['ct', 'xray'],
        known_per_step=4,
        foreign_per_step=4,
    ),
)


def samples_of(images: torch.Tensor, modality: str) -> list[DetDataSample]:
    samples = []
    for image in images:
        sample = DetDataSample(metainfo=dict(modality=modality, img_path='a.png'))
        sample.modality_thumbnail = image
        samples.append(sample)
    return samples


@pytest.fixture
def model() -> ModalityRecognizer:
    return MODELS.build(CONFIG)


def test_a_training_step(model, pictures):
    batch = dict(inputs=[], data_samples=samples_of(pictures('ct', 2), 'ct'))
    losses = model(**batch, mode='loss')
    assert set(losses) == {'loss_modality'}


def test_predictions_tell_where_each_image_goes(model, trained, pictures):
    model.modality_classifier = trained
    samples = model([], samples_of(pictures('xray', 3, seed=8), 'xray'), mode='predict')
    for sample in samples:
        assert sample.routing['likeliest'] == 'xray'
        assert sample.routing['by'] in ('image', 'abstained')
        assert sample.modality == 'xray'
    assert model([], samples, mode='tensor').shape == (3, 3)


def test_its_weights_are_named_as_in_the_detector(model):
    assert all(key.startswith('modality_classifier.') for key in model.state_dict())


def test_a_sample_without_thumbnail_is_an_error():
    with pytest.raises(ValueError, match=r'b\.png has no modality_thumbnail: put'):
        thumbnails_of([DetDataSample(metainfo=dict(img_path='b.png'))])
