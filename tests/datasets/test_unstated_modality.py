"""Records whose modality is to be found: from annotation files that have none, or hidden."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import DefaultSampler

from mmdet_medglip.datasets import MedGroundingDataset, ModalityBalancedBatchSampler, Vocabulary
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Record


@pytest.fixture
def odvg(tmp_path: Path) -> Path:
    """Two images, one of which names its modality."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8), np.uint8))
    found = dict(instances=[dict(bbox=[1, 1, 5, 5], category='liver')])
    size = dict(filename='a.png', height=8, width=8)
    lines = [dict(size, image_id='open', detection=found), dict(size, image_id='m', modality='MR')]
    (tmp_path / 'a.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    return tmp_path


def test_a_file_without_modalities_opens_as_auto(odvg: Path) -> None:
    dataset = MedGroundingDataset(str(odvg), 'a.jsonl', modalities='auto')
    first, second = (dataset.get_data_info(index) for index in range(2))
    assert (first['modality'], first['true_modality']) == ('auto', 'auto')
    assert (second['modality'], second['true_modality']) == ('auto', 'mri')


def test_without_auto_the_same_file_is_an_error_that_names_the_way(odvg: Path) -> None:
    with pytest.raises(ValueError, match=r"'open' names no modality.*modalities='auto'"):
        MedGroundingDataset(str(odvg), 'a.jsonl')


def test_a_store_hides_what_it_knows(small_store: Path) -> None:
    plain = MedGroundingDataset(str(small_store), split='train')
    auto = MedGroundingDataset(str(small_store), split='train', modalities='auto')
    assert len(plain) == len(auto)
    assert auto.metainfo['classes'] == plain.metainfo['classes']
    for index in range(len(plain)):
        info = auto.get_data_info(index)
        assert info['modality'] == 'auto'
        assert info['true_modality'] == plain.get_data_info(index)['modality']


def test_a_store_never_holds_an_open_modality() -> None:
    record = Record('a', 8, 8, 'auto', 'made', 'p')
    with pytest.raises(ValueError, match='modality must be one of ct'):
        record.validate(Ontology.default())
    assert record.validate(Ontology.default(), open_modality=True) is record


VOCABULARY = Vocabulary(
    ('liver', 'polyp', 'tumor', 'nodule'),
    ('liver', 'polyp', 'tumor', 'nodule'),
    {('ct', 'a'): (0,), ('endoscopy', 'a'): (1,), ('ct', 'b'): (2,), ('auto', 'c'): (3,)},
)


@pytest.mark.parametrize(
    ('scope', 'modality', 'source', 'labels'),
    [
        pytest.param('source', 'ct', 'a', (0,), id='known'),
        pytest.param('source', 'unrouted', 'a', (0, 1), id='unrouted-is-any-modality'),
        pytest.param('source', 'ct', 'c', (3,), id='open-source-routed'),
        pytest.param('source', 'mri', 'a', (), id='routed-elsewhere'),
        pytest.param('modality', 'ct', 'a', (0, 2, 3), id='modality-and-open'),
        pytest.param('modality', 'unrouted', 'a', (0, 1, 2, 3), id='unrouted-all'),
    ],
)
def test_labels_to_ask_for(scope: str, modality: str, source: str, labels: tuple) -> None:
    assert VOCABULARY.scope(scope, modality=modality, source=source) == labels


def test_a_balanced_epoch_has_the_images_of_unstated_modality(odvg: Path) -> None:
    dataset = MedGroundingDataset(str(odvg), 'a.jsonl', modalities='auto')
    found = {name: rows.tolist() for name, rows in dataset.modality_indices().items()}
    assert found == {'mri': [1], 'auto': [0]}
    sampler = ModalityBalancedBatchSampler(DefaultSampler(dataset, seed=1), batch_size=1)
    assert sorted(one for batch in sampler for one in batch) == [0, 1]
