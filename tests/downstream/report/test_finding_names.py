import pytest

from mmdet_medglip.downstream.report.finding_names import FindingNames
from mmdet_medglip.text import parse_report


def name_of(text, modality=None):
    (mention,) = [m for m in parse_report(text).mentions if m.kind != 'other']
    return FindingNames.default().name(mention, text[slice(*mention.head)], modality)


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        pytest.param('Pleural effusions.', 'pleural_effusion', id='plural of a label'),
        pytest.param('Lung collapse.', 'atelectasis', id='synonym of the ontology'),
        pytest.param('Air space opacities.', 'lung_opacity', id='synonym, plural'),
        pytest.param('Granulomas.', 'granuloma', id='plural without label'),
        pytest.param('COPD.', 'chronic obstructive pulmonary disease', id='short form'),
        pytest.param('Heart size is mildly enlarged.', 'cardiomegaly', id='state of the heart'),
        pytest.param('Cardiac silhouette is enlarged.', 'cardiomegaly', id='of its silhouette'),
        pytest.param('Tortuous aorta.', 'abnormal aorta', id='state without name'),
        pytest.param('Elevated left hemidiaphragm.', 'abnormal hemidiaphragm', id='of the lexicon'),
        pytest.param('No acute disease.', None, id='no particular finding'),
        pytest.param('Degenerative changes.', None, id='weak word'),
    ],
)
def test_names(text, name):
    assert name_of(text) == name


@pytest.mark.parametrize(
    ('modality', 'name'),
    [
        pytest.param(None, 'nodule', id='not known'),
        pytest.param('xray', 'pulmonary_nodule', id='X-ray'),
        pytest.param('ultrasound', 'thyroid_nodule', id='ultrasound'),
        pytest.param('fundus', 'nodule', id='does not decide'),
    ],
)
def test_the_modality_decides_between_meanings(modality, name):
    assert name_of('Nodules.', modality) == name


def test_labels_among_the_synonyms_are_those_of_the_ontology():
    names = FindingNames.default()
    labels = [one for one in {*names._synonyms.values()} if '_' in one]
    assert labels == ['lung_opacity']
    assert {'consolidation', *labels, 'cardiomegaly'} <= set(names.ontology.labels)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        pytest.param({'format': 2}, 'must be 1', id='format'),
        pytest.param({'format': 1, 'other': 1}, 'other', id='unknown key'),
        pytest.param([], 'finding names', id='no mapping'),
    ],
)
def test_another_layout_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        FindingNames(data)
