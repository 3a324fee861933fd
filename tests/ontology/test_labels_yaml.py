"""Faults that the packaged label file must not have."""

import re
from collections import Counter
from itertools import product

import pytest
from pydicom.sr.codedict import codes as dicom_codes

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import fold, side_of

_ONTOLOGY = Ontology.default()
_LABELS = _ONTOLOGY.labels
_NODES = (*_ONTOLOGY.regions, *_ONTOLOGY.classes, *_LABELS)
_REGIONS = ('head_and_neck', 'chest', 'abdomen', 'pelvis', 'spine_and_limbs', 'skin')
_ONE_SIDE_ONLY = {'lung_middle_lobe_right', 'atrial_appendage_left'}


def _sided(names: str) -> set[str]:
    return {f'{name}_{side}' for name, side in product(names.split(), ('left', 'right'))}


_UNSIDED = (
    'spleen gallbladder liver stomach pancreas esophagus small_bowel duodenum colon '
    'urinary_bladder prostate sacrum heart aorta inferior_vena_cava '
    'portal_vein_and_splenic_vein spinal_cord brain'
)
_SIDED = (
    'kidney adrenal_gland iliac_artery iliac_vena humerus scapula clavicula femur hip '
    'gluteus_maximus gluteus_medius gluteus_minimus autochthon iliopsoas'
)
_BOTH = _sided(_SIDED) | set(_UNSIDED.split())
_ONLY_CT = (
    'vertebrae_S1 lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right '
    'lung_middle_lobe_right lung_lower_lobe_right trachea thyroid_gland pulmonary_vein '
    'brachiocephalic_trunk atrial_appendage_left superior_vena_cava skull sternum '
    'costal_cartilages'
)
# The classes of the tasks total and total_mr of TotalSegmentator 2.
_TOTAL = (
    _BOTH
    | _sided('kidney_cyst subclavian_artery common_carotid_artery brachiocephalic_vein')
    | {f'rib_{side}_{i}' for side, i in product(('left', 'right'), range(1, 13))}
    | {f'vertebrae_C{i}' for i in range(1, 8)}
    | {f'vertebrae_T{i}' for i in range(1, 13)}
    | {f'vertebrae_L{i}' for i in range(1, 6)}
    | set(_ONLY_CT.split())
)
_TOTAL_MR = _BOTH | _sided('lung') | {'vertebrae', 'intervertebral_discs'}
# In the value set RadiotherapyTreatmentLocationVS of HL7 CodeX Radiation Therapy, not in DICOM.
_CODEX = (
    '15926001 49557009 67923007 80169004 90228003 52940008 8600008 385296007 79368004 52927003 '
    '88938001 85002005 52410001 18252004 113276009 52737000 34381000 3572006 35769007 73903008 '
    '65985001 48535007 78247007 25888004 25523003 15339008 59558009 24915002 5953002 22565002 '
    '77644006 58830002 43993008'
)


def test_numbers() -> None:
    assert _ONTOLOGY.regions == _REGIONS
    assert len(_ONTOLOGY.classes) >= 38
    assert len(_LABELS) >= 198


def test_there_are_seven_modalities() -> None:
    expected = 'ct mri xray ultrasound endoscopy dermoscopy fundus'
    assert _ONTOLOGY.modalities == tuple(expected.split())


def test_ids_are_unique_and_snake_case() -> None:
    assert [i for i, n in Counter(_NODES).items() if n > 1] == []
    assert [i for i in _NODES if not re.fullmatch(r'[a-z]\w*', i)] == []


def test_every_given_name_leads_to_one_thing() -> None:
    for node in _NODES:
        names = [node, _ONTOLOGY.display_name(node), *_ONTOLOGY.synonyms(node)]
        if node in _LABELS:
            names += _ONTOLOGY.info(node).abbreviations
        for name in names:
            assert _ONTOLOGY.find(name) == node
            if node in _LABELS:
                assert _ONTOLOGY.parse_label(name) == node


def test_plurals_lead_to_their_label_or_one_given_that_name() -> None:
    for label in _LABELS:
        found = _ONTOLOGY.candidates(_ONTOLOGY.info(label).plural)
        assert label in found or len(found) == 1, label


def test_names_are_words() -> None:
    for node in _NODES:
        name = _ONTOLOGY.display_name(node)
        assert '_' not in name
        assert name == name.strip()


@pytest.mark.parametrize('modality', _ONTOLOGY.modalities)
def test_every_modality_has_labels(modality: str) -> None:
    assert len(_ONTOLOGY.labels_of(modality)) >= 10


def test_every_label_has_a_modality_class_and_region() -> None:
    for label in _LABELS:
        info = _ONTOLOGY.info(label)
        assert info.modalities
        assert set(info.modalities) <= set(_ONTOLOGY.modalities)
        assert info.parent_class in _ONTOLOGY.children(info.region)
        assert label in _ONTOLOGY.children(info.parent_class)
        assert info.box_policy in ('single', 'components')
        assert not (info.is_lesion and info.is_device)


def test_every_class_and_region_has_something_below() -> None:
    below = [child for node in _NODES for child in _ONTOLOGY.children(node)]
    assert sorted(below) == sorted((*_ONTOLOGY.classes, *_LABELS))
    assert all(_ONTOLOGY.children(node) for node in (*_ONTOLOGY.regions, *_ONTOLOGY.classes))


def test_left_and_right_come_in_pairs() -> None:
    for label in set(_LABELS) - _ONE_SIDE_ONLY:
        opposite = _ONTOLOGY.opposite(label)
        if _ONTOLOGY.side(label) is None:
            assert side_of(label) is None
            continue
        assert opposite is not None, label
        assert _ONTOLOGY.opposite(opposite) == label
        info, other = _ONTOLOGY.info(label), _ONTOLOGY.info(opposite)
        assert (info.parent_class, info.modalities) == (other.parent_class, other.modalities)


def test_side_of_the_id_is_that_of_the_name() -> None:
    for label in _LABELS:
        assert side_of(label) in (None, _ONTOLOGY.side(label))


@pytest.mark.parametrize(
    ('names', 'number'),
    [pytest.param(_TOTAL, 117, id='ct'), pytest.param(_TOTAL_MR, 50, id='mr')],
)
def test_totalsegmentator_is_complete(names: set[str], number: int) -> None:
    assert len(names) == number
    assert names <= set(_LABELS)
    for name in names:
        assert _ONTOLOGY.info(name).codes.totalsegmentator == name


def test_totalsegmentator_names_are_given_once() -> None:
    names = [_ONTOLOGY.info(label).codes.totalsegmentator for label in _LABELS]
    assert [n for n, count in Counter(filter(None, names)).items() if count > 1] == []


def test_snomed_codes_are_in_a_public_list() -> None:
    listed = {code.value for code in map(dicom_codes.SCT.__getattr__, dicom_codes.SCT.dir())}
    known = {_ONTOLOGY.info(label).codes.snomed for label in _LABELS} - {None}
    assert len(known) >= 180
    assert known - listed - set(_CODEX.split()) == set()


def test_snomed_codes_are_shared_only_by_sides_and_groups_of_one_structure() -> None:
    owners: dict[str, set[str]] = {}
    for label in _LABELS:
        info = _ONTOLOGY.info(label)
        if info.codes.snomed:
            owners.setdefault(info.codes.snomed, set()).add(info.parent_class)
    assert [code for code, classes in owners.items() if len(classes) > 1] == []


@pytest.mark.parametrize(
    'label', ['kidney_cyst_left', 'liver_tumor', 'portal_vein_and_splenic_vein']
)
def test_what_no_single_code_says_has_none(label: str) -> None:
    assert _ONTOLOGY.info(label).codes.snomed is None


@pytest.mark.parametrize('name', ['nodule', 'mass', 'tumor', 'cyst', 'stone', 'bladder', 'disc'])
def test_ambiguous_names_are_no_synonyms(name: str) -> None:
    assert len(_ONTOLOGY.candidates(name)) >= 2
    for label in _LABELS:
        assert fold(name) not in map(fold, _ONTOLOGY.synonyms(label))
