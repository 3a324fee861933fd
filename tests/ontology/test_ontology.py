"""Names of modalities, labels, classes and regions of the packaged label file."""

import copy
import pickle
from pathlib import Path

import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology import ontology as ontology_module

_LABELS_YAML = Path(ontology_module.__file__).with_name('labels.yaml')


@pytest.fixture
def ontology() -> Ontology:
    return Ontology.default()


def test_default_is_read_once() -> None:
    assert Ontology.default() is Ontology.default()


def _pickled(ontology: Ontology) -> Ontology:
    return pickle.loads(pickle.dumps(ontology))


def test_default_is_pickled_by_name(ontology: Ontology) -> None:
    assert len(pickle.dumps(ontology)) < 200
    assert _pickled(ontology) is ontology


@pytest.mark.parametrize('copied', [copy.deepcopy, _pickled])
def test_copies_of_an_own_ontology_know_the_same(ontology: Ontology, copied) -> None:
    own = Ontology.from_yaml(_LABELS_YAML)
    other = copied(own)
    assert other is not own
    assert other.labels == ontology.labels
    assert other.parse_label('nodule', modality='ct') == 'pulmonary_nodule'


def test_very_long_name_is_an_error_at_once(ontology: Ontology) -> None:
    with pytest.raises(ValueError, match='Unknown label'):
        ontology.parse_label('left kidney ' * 10_000, body_region='left knee ' * 1_000)


@pytest.mark.parametrize(
    ('name', 'modality'),
    [
        pytest.param('ct', 'ct', id='id'),
        pytest.param('MR', 'mri', id='dicom-code-of-mri'),
        pytest.param('CR', 'xray', id='dicom-code-of-computed-radiography'),
        pytest.param('dx', 'xray', id='dicom-code-of-digital-radiography'),
        pytest.param('MG', 'xray', id='dicom-code-of-mammography'),
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
        pytest.param('vertebrae_l1', 'vertebrae_L1', id='case-of-the-id'),
        pytest.param('Left Kidney', 'kidney_left', id='display-name'),
        pytest.param('left-kidney', 'kidney_left', id='hyphen'),
        pytest.param('Kidney (left)', 'kidney_left', id='side-in-brackets'),
        pytest.param('suprarenal gland, left', 'adrenal_gland_left', id='side-behind-a-synonym'),
        pytest.param('clavicle right', 'clavicula_right', id='side-behind-the-name'),
        pytest.param('right collarbones', 'clavicula_right', id='plural-of-a-synonym'),
        pytest.param('rib left 9', 'rib_left_9', id='id-with-side-inside'),
        pytest.param('ninth left rib', 'rib_left_9', id='ordinal'),
        pytest.param('left shoulder blade', 'scapula_left', id='everyday-word'),
        pytest.param('lens of the right eye', 'eye_lens_right', id='side-inside-a-synonym'),
        pytest.param('gall bladder', 'gallbladder', id='two-words'),
        pytest.param('oesophagus', 'esophagus', id='british'),
        pytest.param('Liver Tumour', 'liver_tumor', id='british-word-of-a-name'),
        pytest.param('foetal head', 'fetal_head', id='british-fetal'),
        pytest.param('optic disk', 'optic_disc', id='disk'),
        pytest.param('coeliac artery', 'celiac_trunk', id='british-synonym'),
        pytest.param('intracranial haemorrhage', 'intracranial_hemorrhage', id='british-bleed'),
        pytest.param('IVC', 'inferior_vena_cava', id='abbreviation-of-the-inferior-cava'),
        pytest.param('svc', 'superior_vena_cava', id='abbreviation-in-small-letters'),
        pytest.param('LV', 'heart_ventricle_left', id='abbreviation-of-a-chamber'),
        pytest.param('RAG', 'adrenal_gland_right', id='abbreviation-with-side'),
        pytest.param('LUL', 'lung_upper_lobe_left', id='abbreviation-of-a-lobe'),
        pytest.param('WT', 'brain_tumor', id='abbreviation-of-brats'),
        pytest.param('NCR/NET', 'tumor_necrosis', id='abbreviation-with-slash'),
        pytest.param('ETT', 'endotracheal_tube', id='abbreviation-of-a-tube'),
        pytest.param('PZ', 'prostate_peripheral_zone', id='abbreviation-of-a-zone'),
        pytest.param('akiec', 'actinic_keratosis', id='code-of-ham10000'),
        pytest.param('bcc', 'basal_cell_carcinoma', id='code-of-isic'),
        pytest.param('polyps', 'polyp', id='plural-s'),
        pytest.param('biopsies', None, id='plural-of-nothing'),
        pytest.param('ovaries', 'ovary', id='plural-ies'),
        pytest.param('brain metastases', 'brain_metastasis', id='plural-es-of-is'),
        pytest.param('naevi', 'nevus', id='irregular-plural-in-british'),
        pytest.param('renal calculi', 'kidney_stone', id='irregular-plural-of-a-synonym'),
        pytest.param('left femora', 'femur_left', id='irregular-plural-with-side'),
        pytest.param('thalami', 'thalamus', id='irregular-plural'),
        pytest.param('nodules of the lung', 'pulmonary_nodule', id='plural-before-of'),
        pytest.param('Intervertebral disc', 'intervertebral_discs', id='singular-of-a-plural-name'),
        pytest.param('kidneys', 'kidneys', id='both-kidneys'),
        pytest.param('lungs', 'lungs', id='both-lungs'),
        pytest.param('tooth', 'teeth', id='any-tooth'),
        pytest.param('FDI 48', 'tooth_48', id='tooth-number'),
        pytest.param('lower right third molar', 'tooth_48', id='tooth-name'),
        pytest.param('lower right wisdom tooth', 'tooth_48', id='wisdom-tooth'),
        pytest.param('postcava', 'inferior_vena_cava', id='name-of-amos'),
        pytest.param('prostate/uterus', 'prostate_or_uterus', id='name-of-amos-with-slash'),
        pytest.param('colon cancer primaries', 'colon_tumor', id='name-of-msd'),
        pytest.param('hepatic vessels', 'liver_vessels', id='name-of-msd-in-the-plural'),
        pytest.param('Nodule/Mass', 'lung_nodule_or_mass', id='name-of-vindr-with-slash'),
        pytest.param('ILD', 'interstitial_lung_disease', id='name-of-vindr-abbreviated'),
        pytest.param('Other lesion', 'chest_lesion', id='name-of-vindr'),
        pytest.param('Aortic enlargement', 'aortic_enlargement', id='finding-of-vindr'),
        pytest.param('Infiltrate', 'lung_infiltration', id='name-of-nih'),
        pytest.param('periostealreaction', 'periosteal_reaction', id='name-of-grazpedwri'),
        pytest.param('Deep Caries', 'deep_dental_caries', id='name-of-dentex'),
        pytest.param('Impacted', 'impacted_tooth', id='short-name-of-dentex'),
        pytest.param('Soft Exudates', 'soft_exudate', id='name-of-idrid'),
        pytest.param('attribute_pigment_network', 'pigment_network', id='name-of-isic-2018'),
        pytest.param('lung_nodules', 'pulmonary_nodule', id='totalsegmentator-task'),
        pytest.param(
            'upper_left_canine_fdi23', 'tooth_23', id='totalsegmentator-tooth-of-another-id'
        ),
    ],
)
def test_parse_label(ontology: Ontology, name: str, label: str | None) -> None:
    if label is None:
        with pytest.raises(ValueError, match='Unknown label'):
            ontology.parse_label(name)
    else:
        assert ontology.parse_label(name) == label


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        pytest.param('livr', "Unknown label 'livr'.*Did you mean 'liver'", id='typo'),
        pytest.param(
            'kidney', 'names a class.*kidney_left, kidney_right, kidneys', id='class-without-side'
        ),
        pytest.param('abdomen', r'names a region.*liver, gallbladder.*more\.', id='region'),
        pytest.param('femur', 'does not say which.*femur_left, femur_right', id='no-side'),
        pytest.param('first rib', 'rib_left_1, rib_right_1', id='no-side-of-a-rib'),
        pytest.param('upper canine', 'tooth_13, tooth_23', id='no-side-of-a-tooth'),
        pytest.param('zzzz', "Unknown label 'zzzz'", id='nothing-near'),
        pytest.param('', "Unknown label ''", id='empty'),
    ],
)
def test_unknown_label_is_one_clear_error(ontology: Ontology, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ontology.parse_label(name)


@pytest.mark.parametrize(
    ('name', 'first'),
    [
        pytest.param('livr', 'liver', id='letter-missing'),
        pytest.param('kidny left', 'kidney_left', id='word-order-and-misspelt'),
        pytest.param('vein portal', 'portal_vein', id='word-order'),
        pytest.param('plural effusion', 'pleural_effusion', id='wrong-word'),
        pytest.param('gall blader', 'gallbladder', id='letter-missing-in-two-words'),
        pytest.param('oesophagaus', 'esophagus', id='british-and-misspelt'),
        pytest.param('pneumotorax', 'pneumothorax', id='h-missing'),
        pytest.param('meningeoma', 'meningioma', id='vowel'),
        pytest.param('tumours of the liver', 'liver_tumor', id='british-plural'),
        pytest.param('leftkidney', 'kidney_left', id='no-space'),
        pytest.param('Liver_Tumor_2', 'liver_tumor', id='number-behind'),
        pytest.param('kidney', 'kidney_left', id='no-side'),
        pytest.param('nodule', 'thyroid_nodule', id='ambiguous'),
    ],
)
def test_suggest(ontology: Ontology, name: str, first: str) -> None:
    assert ontology.suggest(name)[0] == first


@pytest.mark.parametrize('n', [1, 2, 3])
def test_suggest_as_many_as_asked(ontology: Ontology, n: int) -> None:
    assert ontology.suggest('kidney', n) == ('kidney_left', 'kidney_right', 'kidneys')[:n]


@pytest.mark.parametrize('name', ['', 'zzzz', 'xy'])
def test_suggest_nothing(ontology: Ontology, name: str) -> None:
    assert ontology.suggest(name) == ()


@pytest.mark.parametrize(
    ('name', 'labels'),
    [
        pytest.param('liver', ('liver',), id='label'),
        pytest.param('femur', ('femur_left', 'femur_right'), id='no-side'),
        pytest.param('kidney', ('kidney_left', 'kidney_right', 'kidneys'), id='class'),
        pytest.param(
            'left ventricle', ('heart_ventricle_left', 'lateral_ventricle_left'), id='two'
        ),
        pytest.param('zzz', (), id='unknown'),
    ],
)
def test_candidates(ontology: Ontology, name: str, labels: tuple[str, ...]) -> None:
    assert ontology.candidates(name) == labels


@pytest.mark.parametrize(
    ('name', 'node', 'level'),
    [
        pytest.param('Left kidney', 'kidney_left', 'label', id='label'),
        pytest.param('ren', 'kidney', 'class', id='synonym-of-a-class'),
        pytest.param('kidney findings', 'kidney_finding', 'class', id='plural-of-a-class'),
        pytest.param('fetus', 'fetal_structure', 'class', id='class-of-parts'),
        pytest.param('thorax', 'chest', 'region', id='synonym-of-a-region'),
        pytest.param('femur', 'lower_limb_bone', 'class', id='no-side-is-the-class'),
        pytest.param('eye', 'eye_structure', 'class', id='no-side-is-the-class-too'),
        pytest.param('ventricle', 'ventricle', 'label', id='id-of-a-label-goes-first'),
    ],
)
def test_find_at_every_level(ontology: Ontology, name: str, node: str, level: str) -> None:
    assert ontology.find(name) == node
    assert ontology.level(node) == level


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        pytest.param('kidnee', 'Unknown label.*kidney_left', id='unknown'),
        pytest.param('nodule', 'is ambiguous.*thyroid_nodule', id='ambiguous'),
    ],
)
def test_find_of_no_one_thing_is_an_error(ontology: Ontology, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ontology.find(name)


@pytest.mark.parametrize(
    ('words', 'region'),
    [
        pytest.param('chest', 'chest', id='id'),
        pytest.param('Head', 'head_and_neck', id='half-of-a-region'),
        pytest.param('eye', 'head_and_neck', id='eye'),
        pytest.param('teeth', 'head_and_neck', id='teeth'),
        pytest.param('thyroid', 'head_and_neck', id='thyroid'),
        pytest.param('breast', 'chest', id='breast'),
        pytest.param('heart', 'chest', id='heart'),
        pytest.param('colon', 'abdomen', id='colon'),
        pytest.param('upper abdomen', 'abdomen', id='word-before'),
        pytest.param('fetus', 'pelvis', id='fetus'),
        pytest.param('bladder', 'pelvis', id='further-word'),
        pytest.param('left knee', 'spine_and_limbs', id='side-before'),
        pytest.param('wrist', 'spine_and_limbs', id='wrist'),
        pytest.param('lumbar spine', 'spine_and_limbs', id='label'),
        pytest.param('skin', 'skin', id='skin'),
        pytest.param('chest and abdomen', None, id='two-regions'),
        pytest.param('whole body', None, id='no-region'),
        pytest.param('', None, id='empty'),
    ],
)
def test_parse_region(ontology: Ontology, words: str, region: str | None) -> None:
    assert ontology.parse_region(words) == region


@pytest.mark.parametrize(
    ('label', 'parent', 'region', 'lesion', 'device', 'policy'),
    [
        pytest.param('liver', 'hepatobiliary_organ', 'abdomen', False, False, 'single', id='organ'),
        pytest.param(
            'kidney_stone', 'kidney_finding', 'abdomen', True, False, 'components', id='lesion'
        ),
        pytest.param(
            'vertebrae',
            'vertebral_column',
            'spine_and_limbs',
            False,
            False,
            'components',
            id='many-of-a-kind',
        ),
        pytest.param('tooth_11', 'incisor', 'head_and_neck', False, False, 'single', id='tooth'),
        pytest.param('aorta', 'thoracic_vessel', 'chest', False, False, 'single', id='aorta'),
        pytest.param(
            'endotracheal_tube', 'chest_device', 'chest', False, True, 'single', id='device'
        ),
        pytest.param(
            'instrument',
            'endoscopic_device',
            'abdomen',
            False,
            True,
            'components',
            id='several-devices',
        ),
    ],
)
def test_hierarchy_and_policy(
    ontology: Ontology,
    label: str,
    parent: str,
    region: str,
    lesion: bool,
    device: bool,
    policy: str,
) -> None:
    assert ontology.parent_class(label) == parent
    assert ontology.region(label) == region
    assert ontology.ancestors(label) == (parent, region)
    assert ontology.ancestors(parent) == (region,)
    assert ontology.is_lesion(label) is lesion
    assert ontology.is_device(label) is device
    assert ontology.box_policy(label) == policy


def test_children_of_every_level(ontology: Ontology) -> None:
    assert ontology.children('kidney') == ('kidney_left', 'kidney_right', 'kidneys')
    assert 'kidney' in ontology.children('abdomen')
    assert ontology.children('liver') == ()
    assert ontology.ancestors('abdomen') == ()


@pytest.mark.parametrize(
    ('label', 'side', 'opposite'),
    [
        pytest.param('kidney_left', 'left', 'kidney_right', id='regular'),
        pytest.param('rib_right_3', 'right', 'rib_left_3', id='side-inside-the-id'),
        pytest.param('tooth_36', 'left', 'tooth_46', id='tooth'),
        pytest.param('thigh_medial_compartment_left', 'left', 'thigh_medial_compartment_right'),
        pytest.param('lung_middle_lobe_right', 'right', None, id='only-on-the-right'),
        pytest.param('liver', None, None, id='no-side'),
        pytest.param('kidneys', None, None, id='both-sides'),
    ],
)
def test_sides(ontology: Ontology, label: str, side: str | None, opposite: str | None) -> None:
    assert ontology.side(label) == side
    assert ontology.opposite(label) == opposite


def test_info_of_a_label(ontology: Ontology) -> None:
    info = ontology.info('femur_left')
    assert info.name == 'left femur'
    assert info.plural == 'left femora'
    assert info.synonyms == ('left thigh bone',)
    assert info.modalities == ('ct', 'mri', 'xray')
    assert info.codes.totalsegmentator == 'femur_left'
    assert info.codes.snomed == '71341001'
    assert info.codes.radlex is None


@pytest.mark.parametrize(
    ('node', 'name', 'synonyms'),
    [
        pytest.param('abdomen', 'abdomen', ('belly',), id='region'),
        pytest.param('liver_segment', 'liver segment', ('Couinaud segment',), id='class'),
        pytest.param('nevus', 'nevus', ('naevus', 'mole', 'melanocytic nevus'), id='label'),
    ],
)
def test_words_of_every_level(
    ontology: Ontology, node: str, name: str, synonyms: tuple[str, ...]
) -> None:
    assert ontology.display_name(node) == name
    assert ontology.synonyms(node) == synonyms


@pytest.mark.parametrize('ask', ['display_name', 'info', 'side', 'region', 'box_policy'])
def test_unknown_label_id_is_an_error(ontology: Ontology, ask: str) -> None:
    with pytest.raises(ValueError, match=r"Unknown label id 'Liver'.*'liver'"):
        getattr(ontology, ask)('Liver')


@pytest.mark.parametrize('ask', ['level', 'children', 'ancestors', 'group'])
def test_unknown_id_is_an_error(ontology: Ontology, ask: str) -> None:
    with pytest.raises(ValueError, match=r"Unknown id 'Abdomen'.*find\(\).*'abdomen'"):
        getattr(ontology, ask)('Abdomen')
