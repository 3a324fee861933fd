"""Ambiguous names: modality and place decide, or nothing does."""

import pytest

from mmdet_medglip.ontology import Ontology


@pytest.mark.parametrize(
    ('name', 'modality', 'place', 'label'),
    [
        pytest.param('nodule', 'ultrasound', None, 'thyroid_nodule', id='nodule-ultrasound'),
        pytest.param('nodule', 'ct', None, 'pulmonary_nodule', id='nodule-ct'),
        pytest.param('Nodules', 'DX', None, 'pulmonary_nodule', id='nodules-xray-by-alias'),
        pytest.param('nodule', 'ct', 'neck', 'thyroid_nodule', id='nodule-place-goes-first'),
        pytest.param('nodule', None, 'thyroid', 'thyroid_nodule', id='nodule-place-alone'),
        pytest.param('nodule', 'us', 'breast', 'breast_mass', id='nodule-of-the-breast'),
        pytest.param('Mass', 'xray', 'chest', 'lung_mass', id='mass-xray'),
        pytest.param('mass', 'ct', 'chest', 'lung_mass', id='mass-occurs-in-ct'),
        pytest.param('mass', 'mammography', 'breast', 'breast_mass', id='mass-mammography'),
        pytest.param('tumor', 'mri', 'head', 'brain_tumor', id='tumor-head'),
        pytest.param('tumour', 'ct', 'kidney', 'kidney_tumor', id='tumor-kidney'),
        pytest.param('tumor', 'mri', 'liver', 'liver_tumor', id='tumor-liver'),
        pytest.param('cancer', 'ct', 'colon', 'colon_tumor', id='cancer-colon'),
        pytest.param('cancer', 'ct', 'lung', 'lung_mass', id='cancer-lung'),
        pytest.param('cyst', 'ct', 'kidney', 'kidney_cyst', id='cyst-kidney'),
        pytest.param('stone', 'ct', 'kidney', 'kidney_stone', id='stone-kidney'),
        pytest.param('stones', 'us', 'gallbladder', 'gallstone', id='stone-gallbladder'),
        pytest.param('bladder', 'ct', 'abdomen', 'urinary_bladder', id='bladder-ct'),
        pytest.param('bladder', None, 'pelvis', 'urinary_bladder', id='bladder-pelvis'),
        pytest.param('disc', 'fundus', None, 'optic_disc', id='disc-fundus'),
        pytest.param('disk', 'mri', None, 'intervertebral_discs', id='disk-mri'),
        pytest.param('discs', None, 'lumbar spine', 'intervertebral_discs', id='discs-spine'),
        pytest.param('left ventricle', 'mri', 'heart', 'heart_ventricle_left', id='lv-heart'),
        pytest.param('left ventricle', 'mri', 'brain', 'lateral_ventricle_left', id='lv-brain'),
        pytest.param('right ventricle', None, 'chest', 'heart_ventricle_right', id='rv-chest'),
        pytest.param('ventricle', None, None, 'ventricle', id='ventricle-is-an-id'),
        pytest.param('ventricle', 'ct', None, 'ventricle', id='ventricle-ct'),
        pytest.param('lesion', None, None, 'lesion', id='lesion-is-an-id'),
        pytest.param('lesion', 'ct', 'abdomen', 'lesion', id='lesion-abdomen'),
        pytest.param('lesion', 'ct', 'liver', 'liver_lesion', id='lesion-liver'),
        pytest.param('lesion', 'dermoscopy', None, 'skin_lesion', id='lesion-dermoscopy'),
        pytest.param('benign', 'dermoscopy', 'skin', 'benign_skin_lesion', id='benign-skin'),
        pytest.param('benign', 'us', 'breast', 'benign_breast_tumor', id='benign-breast'),
        pytest.param('Haemorrhages', 'fundus', 'eye', 'retinal_hemorrhage', id='bleed-eye'),
        pytest.param('hemorrhage', 'ct', 'head', 'intracranial_hemorrhage', id='bleed-head'),
        pytest.param('hemorrhage', 'endoscopy', None, 'gastrointestinal_bleeding', id='bleed-gut'),
        pytest.param('Effusion', 'xray', 'chest', 'pleural_effusion', id='effusion-xray'),
        pytest.param('edema', 'mri', 'brain', 'peritumoral_edema', id='edema-brain'),
        pytest.param('edema', 'xray', None, 'pulmonary_edema', id='edema-xray'),
        pytest.param('Calcification', 'xray', 'chest', 'chest_calcification', id='calcification'),
        pytest.param('vessels', 'fundus', None, 'retinal_vessel', id='vessels-fundus'),
        pytest.param('vessel', 'ct', 'liver', 'liver_vessels', id='vessel-liver'),
        pytest.param('implant', 'xray', 'teeth', 'dental_implant', id='implant-teeth'),
        pytest.param('implant', 'xray', 'knee', 'implant', id='implant-knee'),
    ],
)
def test_modality_and_place_decide(
    name: str, modality: str | None, place: str | None, label: str
) -> None:
    ontology = Ontology.default()
    assert ontology.parse_label(name, modality=modality, body_region=place) == label


@pytest.mark.parametrize(
    ('name', 'modality', 'place', 'message'),
    [
        pytest.param(
            'nodule', None, None, 'it may be thyroid_nodule, pulmonary_nodule', id='nothing-known'
        ),
        pytest.param('nodule', 'mri', None, 'in modality mri: it may be', id='modality-without-it'),
        pytest.param('nodule', None, 'whole body', 'thyroid_nodule', id='words-not-known'),
        pytest.param('tumor', 'ct', None, 'liver_tumor', id='modality-never-decides'),
        pytest.param(
            'tumor', 'ct', 'abdomen', 'in modality ct of abdomen: it may be', id='place-too-wide'
        ),
        pytest.param(
            'bladder',
            'us',
            'abdomen',
            'it may be urinary_bladder, gallbladder; use one of these',
            id='both-in-the-image',
        ),
        pytest.param('left ventricle', 'mri', None, 'lateral_ventricle_left', id='heart-or-brain'),
        pytest.param(
            'ventricle', 'mri', 'heart', 'heart_ventricle_left, heart_ventricle_right', id='sides'
        ),
        pytest.param('lesion', 'us', None, 'ambiguous', id='id-in-a-modality-without-it'),
    ],
)
def test_otherwise_one_error_lists_the_meanings(
    name: str, modality: str | None, place: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^'{name}' is ambiguous.*") as error:
        Ontology.default().parse_label(name, modality=modality, body_region=place)
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_conditions_do_not_change_other_names() -> None:
    ontology = Ontology.default()
    assert ontology.parse_label('liver', modality='fundus', body_region='eye') == 'liver'


def test_unknown_modality_is_an_error() -> None:
    with pytest.raises(ValueError, match='Unknown modality'):
        Ontology.default().parse_label('nodule', modality='photo')
