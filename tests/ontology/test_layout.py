"""Label files: the layout, and one clear error for each fault."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mmdet_medglip.ontology import Ontology

_SMALL: dict[str, Any] = {
    'format': 1,
    'modalities': {'ct': {'name': 'CT', 'aliases': ['cat scan']}, 'mri': {'name': 'MRI'}},
    'regions': {
        'abdomen': {
            'name': 'abdomen',
            'parts': ['renal'],
            'classes': {
                'kidney': {
                    'name': 'kidney',
                    'modalities': ['mri', 'cat scan'],
                    'codes': {'snomed': 64033007},
                    'labels': {
                        'kidney_{side}': {
                            'name': 'kidney',
                            'synonyms': ['ren {side}', 'nephros'],
                            'abbreviations': ['{s}K'],
                            'codes': {'totalsegmentator': True},
                        },
                        'stone': {'name': 'stone', 'lesion': True, 'modalities': ['ct']},
                    },
                }
            },
        }
    },
    'ambiguous': [
        {
            'names': ['thing'],
            'choices': [
                {'label': 'kidney_left', 'modalities': ['mri']},
                {'label': 'stone', 'at': ['kidney']},
            ],
        }
    ],
}
_CLASS = ('regions', 'abdomen', 'classes', 'kidney')
_LABEL = (*_CLASS, 'labels', 'stone')
_WHERE = r'regions\.abdomen\.classes\.kidney'


def _changed(keys: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(_SMALL)
    place: Any = data
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return data


def test_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / 'small.yaml'
    path.write_text(yaml.safe_dump(_SMALL, sort_keys=False))
    small = Ontology.from_yaml(path)
    assert small.labels == ('kidney_left', 'kidney_right', 'stone')
    assert small.regions == ('abdomen',)
    assert small.classes == ('kidney',)


def test_side_in_an_id_makes_two_labels() -> None:
    left = Ontology(_SMALL).info('kidney_left')
    assert left.name == 'left kidney'
    assert left.synonyms == ('ren left', 'left nephros')
    assert left.abbreviations == ('LK',)
    assert left.side == 'left'
    assert left.codes.totalsegmentator == 'kidney_left'


def test_keys_of_a_class_hold_for_its_labels_that_do_not_say_otherwise() -> None:
    small = Ontology(_SMALL)
    assert small.info('kidney_left').modalities == ('ct', 'mri')
    assert small.info('stone').modalities == ('ct',)
    assert small.info('stone').codes.snomed == '64033007'
    assert [small.box_policy(i) for i in small.labels] == ['single', 'single', 'components']


def test_later_changes_of_the_data_have_no_effect() -> None:
    data = copy.deepcopy(_SMALL)
    small = Ontology(data)
    data['regions'].clear()
    data['ambiguous'].clear()
    assert small.parse_label('thing', modality='mri') == 'kidney_left'
    with pytest.raises(AttributeError):
        small.info('stone').name = 'other'  # type: ignore[misc]


@pytest.mark.parametrize(
    ('keys', 'value', 'message'),
    [
        pytest.param(('format',), 9, "'format' must be 1, got 9", id='other-format'),
        pytest.param(('colour',), 1, "'colour' is not a key here; known are format", id='key'),
        pytest.param(('regions',), [1], "'regions' must be a mapping, got", id='list-of-regions'),
        pytest.param(
            (*_LABEL, 'sinonyms'), [], rf"'{_WHERE}\.labels\.stone\.sinonyms'", id='label-key'
        ),
        pytest.param((*_LABEL, 'name'), ' ', r"stone\.name' must be words", id='empty-name'),
        pytest.param((*_LABEL, 'synonyms'), 'a', r'must be a list of words', id='synonyms'),
        pytest.param((*_LABEL, 'lesion'), 'yes', 'must be true or false', id='lesion'),
        pytest.param(
            (*_LABEL, 'box'), 'boxes', r"stone\.box' must be one of single, .*'boxes'", id='box'
        ),
        pytest.param(
            (*_CLASS, 'modalities'),
            ['pet'],
            rf"'{_WHERE}\.modalities' must be of ct, mri",
            id='pet',
        ),
        pytest.param((*_LABEL, 'modalities'), [], 'name at least one modality', id='no-modality'),
        pytest.param(
            (*_LABEL, 'codes'), {'snomed': 'x'}, r"codes\.snomed' is no code of snomed", id='snomed'
        ),
        pytest.param((*_LABEL, 'codes'), {'icd': 1}, "codes.icd' is not a key", id='vocabulary'),
        pytest.param((*_CLASS, 'labels'), {}, r"kidney\.labels' is empty", id='class-of-nothing'),
        pytest.param((*_CLASS, 'name'), 'stone', "'stone' names both", id='class-named-as-a-label'),
        pytest.param(
            (*_LABEL, 'synonyms'), ['left kidney'], "'left kidney' names both", id='one-name-twice'
        ),
        pytest.param(
            (*_CLASS, 'labels', 'kidney'), {'name': 'ren'}, "kidney' is an id given twice", id='id'
        ),
        pytest.param(('modalities', 'mri', 'name'), 'CT', "'CT' names both", id='modality-twice'),
        pytest.param(
            ('ambiguous', 0, 'names'), ['stone'], "'stone' is under 'ambiguous'", id='not-ambiguous'
        ),
        pytest.param(('ambiguous', 0, 'names'), [], 'at least two choices', id='rule-of-no-name'),
        pytest.param(
            ('ambiguous', 0, 'choices', 0, 'label'),
            'liver',
            r"choices\[0\]\.label' must be the id of a label, got 'liver'",
            id='choice-of-no-label',
        ),
        pytest.param(
            ('ambiguous', 0, 'choices', 1, 'at'), ['liver'], r"at' must be ids", id='choice-nowhere'
        ),
        pytest.param(
            ('ambiguous', 0, 'otherwise'), 'kidney_right', 'of one of the choices', id='otherwise'
        ),
    ],
)
def test_faults_name_the_file_and_the_key(
    keys: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f'^own.yaml: .*{message}') as error:
        Ontology(_changed(keys, value), origin='own.yaml')
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param(b'- a', "'format' must be 1, got 'list'", id='not-a-mapping'),
        pytest.param(b'a: [', 'not valid YAML', id='not-yaml'),
        pytest.param(b'format: 1\nformat: 1\n', "'format' is given twice", id='key-twice'),
        pytest.param(b'name: \xff\xfe', 'not valid YAML', id='not-utf-8'),
        pytest.param(b'!!python/object/apply:os.getcwd []', 'not valid YAML', id='an-object'),
    ],
)
def test_broken_file(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / 'labels.yaml'
    path.write_bytes(text)
    with pytest.raises(ValueError, match=message):
        Ontology.from_yaml(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'none\.yaml does not exist'):
        Ontology.from_yaml(tmp_path / 'none.yaml')
