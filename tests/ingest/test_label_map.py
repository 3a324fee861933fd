"""From names of a source to labels."""

import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ontology import Ontology


def label_map(labels=None, modality='ct', **options) -> LabelMap:
    return LabelMap(labels or {}, Ontology.default(), modality=modality, **options)


@pytest.mark.parametrize(
    ('labels', 'modality', 'name', 'expected'),
    [
        ({'tumor_x': 'liver_tumor'}, 'ct', 'tumor_x', 'liver_tumor'),
        ({'liver': 'spleen'}, 'ct', 'liver', 'spleen'),
        ({}, 'ct', 'Left Kidney', 'kidney_left'),
        ({}, 'ct', 'hepar', 'liver'),
        ({}, 'ultrasound', 'nodule', 'thyroid_nodule'),
        ({}, 'ct', 'nodule', 'pulmonary_nodule'),
    ],
    ids=['recipe', 'recipe_wins', 'ontology', 'synonym', 'ambiguous_us', 'ambiguous_ct'],
)
def test_name_finds_its_label(labels: dict, modality: str, name: str, expected: str) -> None:
    mapped = label_map(labels, modality)(name)
    assert (mapped.label, mapped.fault) == (expected, '')


def test_null_drops_on_purpose() -> None:
    mapped = label_map({'ruler': None})('ruler')
    assert mapped.dropped
    assert mapped.label is None


def test_unknown_name_is_not_guessed_but_suggested() -> None:
    mapped = label_map()('livver')
    assert mapped.label is None
    assert not mapped.dropped
    assert "'liver'" in mapped.fault


def test_faults_list_every_name_without_label() -> None:
    faults = label_map({'dropped': None})
    assert set(faults.faults(['liver', 'dropped', 'qqq', 'zzz'])) == {'qqq', 'zzz'}


def test_wrong_target_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match='no_such_label'):
        label_map({'a': 'no_such_label'})


def test_box_policy_of_recipe_wins() -> None:
    assert label_map().box_policy('liver') == 'single'
    assert label_map(policies={'liver': 'components'}).box_policy('liver') == 'components'
    assert label_map({'x': None}).box_policy('x') is None
