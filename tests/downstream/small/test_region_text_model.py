"""The small model, built from the shipped configs."""

from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmdet_medglip.engine.config import load_config
from mmdet_medglip.registry import DATASETS, MODELS


@pytest.fixture
def built(tiny_config, tiny_store):
    """Model and a batch of a task."""

    def make(task: str, source: str = 'predicted', **options):
        config = load_config(tiny_config(task), {'data_root': str(tiny_store), **options})
        torch.manual_seed(0)
        model = MODELS.build(config.model)
        dataset = config.train_dataloader.dataset
        dataset.regions.source = source
        items = DATASETS.build(dataset)
        batch = pseudo_collate([items[index] for index in range(4)])
        return model, model.data_preprocessor(batch, True), config

    return make


@pytest.mark.parametrize('task', ['vqa', 'report'])
def test_it_learns_from_its_regions(built, task):
    model, batch, _ = built(task)
    loss = model(**batch, mode='loss')['loss_words']
    loss.backward()
    assert model.region_tokens.geometry[0].weight.grad.abs().sum() > 0
    assert model.text_projection.weight.grad.abs().sum() > 0
    assert model.image_tokens.projections[0].weight.grad.abs().sum() > 0
    frozen = [*model.image_encoder.parameters(), *model.language_model.model.parameters()]
    assert all(parameter.grad is None for parameter in frozen)


def test_an_encoder_that_is_not_frozen_is_trained_along(built):
    model, batch, _ = built('vqa', **{'model.image_encoder.frozen': False})
    kept = built('vqa')[0]
    model(**batch, mode='loss')['loss_words'].backward()
    weights = list(model.image_encoder.parameters())
    assert all(weight.grad is not None for weight in weights)
    assert sum(float(weight.grad.abs().sum()) for weight in weights) > 0
    assert len(model.image_encoder._known) == 0
    assert list(model.state_dict()) == list(kept.state_dict())


def test_it_answers_every_request(built):
    model, batch, _ = built('vqa')
    samples = model.eval()(**batch, mode='predict')
    for sample in samples:
        assert len(sample.answers) == len(sample.texts)
        assert all(isinstance(answer, str) for answer in sample.answers)


def test_regions_change_what_is_known(built):
    model, batch, _ = built('vqa')
    model.eval()
    plain = model(**batch).keys[0][0]
    for sample in batch['data_samples']:
        sample.regions.bboxes = sample.regions.bboxes + 9
    assert not torch.allclose(model(**batch).keys[0][0], plain, atol=1e-4)


def test_without_regions_it_sees_the_image(built):
    model, batch, _ = built('vqa', 'none')
    model.eval()
    plain = model(**batch).keys[0][0]
    batch['inputs'] = batch['inputs'].flip(-1)
    assert not torch.allclose(model(**batch).keys[0][0], plain, atol=1e-4)


def test_images_that_are_kept_change_nothing(built):
    model, batch, _ = built('vqa')
    model.eval()
    first, again = model(**batch).keys[0][0], model(**batch).keys[0][0]
    assert len(model.image_encoder._known) == 4
    model.image_encoder._known.clear()
    assert torch.equal(first, again)
    assert torch.equal(first, model(**batch).keys[0][0])


def test_answers_of_a_batch_are_those_of_each_image(built):
    model, batch, _ = built('vqa')
    model.eval()
    together = [list(sample.answers) for sample in model(**batch, mode='predict')]
    for row, sample in enumerate(batch['data_samples']):
        (alone,) = model(batch['inputs'][row : row + 1], [sample], mode='predict')
        assert list(alone.answers) == together[row]


def test_a_checkpoint_of_other_words_is_refused(built, tmp_path):
    model, _, config = built('vqa')
    texts = Path(config.model.vocabulary).read_text()
    (tmp_path / 'others.jsonl').write_text(texts.replace('"answer": "yes"', '"answer": "yep"'))
    config.model.vocabulary = str(tmp_path / 'others.jsonl')
    other = MODELS.build(config.model)
    assert len(other.words) == len(model.words)
    with pytest.raises(ValueError, match='says other words'):
        other.load_state_dict(model.state_dict())
