"""Synthetic batches ask for what their boxes show, as the data set's prompts do."""

from pathlib import Path

import pytest
import torch


@pytest.fixture
def synthetic(repo_root: Path, monkeypatch: pytest.MonkeyPatch):
    """The module, as the programs beside it import it."""
    monkeypatch.syspath_prepend(str(repo_root / 'benchmarks'))
    import synthetic

    return synthetic


def test_training_prompts_differ_and_hold_the_labels_of_the_boxes(synthetic) -> None:
    shape = synthetic.BatchShape(images=8, height=32, width=64, phrases=12, boxes=5, modality='ct')
    data = synthetic.batch(shape, seed=0, training=True)
    known = set(synthetic.phrases_of('ct', 12))
    prompts = [sample.metainfo['text'] for sample in data['data_samples']]
    assert all(image.shape == (3, 32, 64) for image in data['inputs'])
    assert all(set(prompt) <= known and len(set(prompt)) == len(prompt) for prompt in prompts)
    assert len({len(prompt) for prompt in prompts}) > 1
    for sample, prompt in zip(data['data_samples'], prompts, strict=True):
        boxes, labels = sample.gt_instances.bboxes, sample.gt_instances.labels
        assert len(boxes) == len(labels) == 5
        assert 0 <= labels.min() <= labels.max() < len(prompt)
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= torch.tensor([64, 32])).all()
        assert (boxes[:, 2:] - boxes[:, :2] >= 0.099 * torch.tensor([64, 32])).all()


def test_test_prompts_ask_for_all(synthetic) -> None:
    shape = synthetic.BatchShape(images=2, height=32, width=32, phrases=3, boxes=1, modality='ct')
    samples = synthetic.batch(shape, seed=0, training=False)['data_samples']
    expected = tuple(synthetic.phrases_of('ct', 3))
    assert [sample.metainfo['text'] for sample in samples] == [expected] * 2


@pytest.mark.parametrize('count', [0, 10_000])
def test_a_number_of_phrases_that_the_ontology_lacks_is_an_error(synthetic, count: int) -> None:
    with pytest.raises(ValueError, match=f'--phrases must be 1 to [0-9]+ for ct, got {count}'):
        synthetic.phrases_of('ct', count)
