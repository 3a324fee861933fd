import pytest

from mmdet_medglip.downstream.report.region_names import names_same, read_region
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text import parse_report

ONTOLOGY = Ontology.default()


@pytest.mark.parametrize(
    ('words', 'modality', 'labels', 'side'),
    [
        pytest.param('left kidney', 'ct', {'kidney_left'}, 'left', id='sided label'),
        pytest.param('renal calculus', 'ct', {'kidney_stone'}, None, id='synonym'),
        pytest.param('nodule', 'ultrasound', {'thyroid_nodule'}, None, id='by the modality'),
        pytest.param('small stone in the left kidney', 'ct', {'kidney_stone'}, 'left', id='phrase'),
        pytest.param('flux capacitor', 'ct', set(), None, id='not known'),
    ],
)
def test_words_of_regions(words, modality, labels, side):
    region = read_region(words, modality, ONTOLOGY)
    assert ({*region.labels}, region.side) == (labels, side)


@pytest.mark.parametrize(
    ('text', 'words', 'same'),
    [
        pytest.param('Pleural effusions.', 'pleural effusion', True, id='plural'),
        pytest.param('Effusion.', 'pleural effusion', True, id='ambiguous, by the modality'),
        pytest.param('Lung collapse.', 'atelectasis', True, id='synonym'),
        pytest.param('Both kidneys are seen.', 'left kidney', True, id='pair and one of it'),
        pytest.param('The left kidney is seen.', 'right kidney', True, id='sides do not count'),
        pytest.param('Scoliosis.', 'scoliosis', True, id='not of the ontology'),
        pytest.param('Mild scoliosis.', 'Scoliosis', True, id='with a modifier'),
        pytest.param('Pneumonia.', 'consolidation', False, id='other finding of the class'),
        pytest.param('Scoliosis.', 'pneumonia', False, id='one not of the ontology'),
    ],
)
def test_same_names(text, words, same):
    mention = next(m for m in parse_report(text).mentions if m.kind != 'other')
    region = read_region(words, 'xray', ONTOLOGY)
    head = text[slice(*mention.head)]
    assert names_same(mention, head, region, 'xray', ONTOLOGY) is same
