"""Names of modalities and labels."""

import pytest
import yaml

from mmdet_medglip.ontology import Ontology

_SMALL = {
    'format': 1,
    'modalities': {'ct': {'name': 'CT', 'aliases': ['cat scan']}},
    'regions': {
        'abdomen': {
            'name': 'abdomen',
            'classes': {
                'kidney': {
                    'name': 'kidney',
                    'modalities': ['ct'],
                    'labels': {
                        'kidney_left': {'name': 'left kidney', 'synonyms': ['ren sinister']},
                        'kidney_right': {'name': 'right kidney', 'box': 'components'},
                    },
                }
            },
        }
    },
}


@pytest.fixture
def ontology() -> Ontology:
    return Ontology.default()


def test_default_is_read_once() -> None:
    assert Ontology.default() is Ontology.default()


def test_there_are_seven_modalities(ontology: Ontology) -> None:
    expected = 'ct mri xray ultrasound endoscopy dermoscopy fundus'
    assert ontology.modalities == tuple(expected.split())


@pytest.mark.parametrize(
    ('name', 'modality'),
    [
        pytest.param('ct', 'ct', id='id'),
        pytest.param('MR', 'mri', id='dicom-code-of-mri'),
        pytest.param('CR', 'xray', id='dicom-code-of-computed-radiography'),
        pytest.param('dx', 'xray', id='dicom-code-of-digital-radiography'),
        pytest.param('X-ray', 'xray', id='name-with-hyphen'),
        pytest.param(' US ', 'ultrasound', id='spaces-around'),
        pytest.param('OP', 'fundus', id='dicom-code-of-ophthalmic-photography'),
    ],
)
def test_parse_modality(ontology: Ontology, name: str, modality: str) -> None:
    assert ontology.parse_modality(name) == modality


def test_unknown_modality_lists_known_and_suggests(ontology: Ontology) -> None:
    with pytest.raises(ValueError, match=r"'dermoscopi'.*ct, mri.*Did you mean 'dermoscopy'"):
        ontology.parse_modality('dermoscopi')


@pytest.mark.parametrize(
    ('name', 'label'),
    [
        pytest.param('kidney_left', 'kidney_left', id='id'),
        pytest.param('Left Kidney', 'kidney_left', id='display-name'),
        pytest.param('left-kidney', 'kidney_left', id='hyphen'),
        pytest.param('IVC', 'inferior_vena_cava', id='abbreviation'),
        pytest.param('vertebrae_l1', 'vertebrae_L1', id='case-of-the-id'),
        pytest.param('FDI 48', 'tooth_48', id='tooth-number'),
        pytest.param('lower right third molar', 'tooth_48', id='tooth-name'),
    ],
)
def test_parse_label(ontology: Ontology, name: str, label: str) -> None:
    assert ontology.parse_label(name) == label


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        pytest.param('livr', "Did you mean 'liver'", id='typo'),
        pytest.param('kidney', 'names a class.*kidney_left, kidney_right', id='class'),
        pytest.param('zzz', "Unknown label 'zzz'", id='nothing-near'),
    ],
)
def test_unknown_label_is_one_clear_error(ontology: Ontology, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ontology.parse_label(name)


def test_every_name_of_every_label_leads_to_it(ontology: Ontology) -> None:
    for label in ontology.labels:
        for name in (label, ontology.display_name(label), *ontology.synonyms(label)):
            assert ontology.parse_label(name) == label


@pytest.mark.parametrize('modality', Ontology.default().modalities)
def test_every_modality_has_labels(ontology: Ontology, modality: str) -> None:
    labels = ontology.labels_of(modality)
    assert len(labels) >= 5
    assert set(labels) <= set(ontology.labels)


@pytest.mark.parametrize(
    ('label', 'parent', 'region', 'lesion', 'policy'),
    [
        pytest.param('liver', 'liver', 'abdomen', False, 'single', id='organ'),
        pytest.param('kidney_stone', 'kidney_finding', 'abdomen', True, 'components', id='lesion'),
        pytest.param('vertebrae', 'vertebra', 'spine', False, 'components', id='many-of-a-kind'),
        pytest.param('tooth_11', 'incisor', 'teeth', False, 'single', id='tooth'),
    ],
)
def test_hierarchy_and_policy(
    ontology: Ontology, label: str, parent: str, region: str, lesion: bool, policy: str
) -> None:
    assert ontology.parent_class(label) == parent
    assert ontology.region(label) == region
    assert ontology.is_lesion(label) is lesion
    assert ontology.box_policy(label) == policy


def test_left_and_right_come_in_pairs(ontology: Ontology) -> None:
    sided = [label for label in ontology.labels if 'left' in label.split('_')]
    single = {'atrial_appendage_left', 'heart_atrium_left', 'heart_ventricle_left'}
    for label in set(sided) - single:
        assert label.replace('left', 'right') in ontology.labels


def test_display_names_are_words(ontology: Ontology) -> None:
    for label in ontology.labels:
        assert '_' not in ontology.display_name(label)


def test_display_name_of_an_unknown_id_is_an_error(ontology: Ontology) -> None:
    with pytest.raises(ValueError, match=r"Unknown label id 'Liver'.*'liver'"):
        ontology.display_name('Liver')


def test_from_yaml(tmp_path) -> None:
    path = tmp_path / 'small.yaml'
    path.write_text(yaml.safe_dump(_SMALL, sort_keys=False))
    small = Ontology.from_yaml(path)
    assert small.labels == ('kidney_left', 'kidney_right')
    assert small.parse_label('ren sinister') == 'kidney_left'
    assert small.box_policy('kidney_right') == 'components'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('format: 9', "'format' must be 1, got 9", id='other-format'),
        pytest.param('- a', "'format' must be 1, got 'list'", id='not-a-mapping'),
        pytest.param('a: [', 'not valid YAML', id='not-yaml'),
        pytest.param(
            yaml.safe_dump(_SMALL).replace('ren sinister', 'right kidney'),
            "'[Rr]ight kidney' names both",
            id='one-name-two-labels',
        ),
        pytest.param(
            yaml.safe_dump(_SMALL).replace('components', 'boxes'),
            "'box' of 'kidney_right'.*'boxes'",
            id='unknown-policy',
        ),
    ],
)
def test_broken_label_file(tmp_path, text: str, message: str) -> None:
    path = tmp_path / 'labels.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Ontology.from_yaml(path)


def test_missing_label_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r'none\.yaml does not exist'):
        Ontology.from_yaml(tmp_path / 'none.yaml')
