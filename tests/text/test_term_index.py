"""Look-up of terms: longest first, the lexicon before the ontology, abbreviations by capitals."""

import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text.lexicon import Lexicon
from mmdet_medglip.text.term_index import TermIndex
from mmdet_medglip.text.word import read_words


@pytest.fixture(scope='module')
def index() -> TermIndex:
    return TermIndex(Lexicon.default(), Ontology.default())


@pytest.mark.parametrize(
    ('text', 'length', 'role', 'labels'),
    [
        pytest.param('pleural effusion', 2, 'finding', ('pleural_effusion',), id='longest'),
        pytest.param('Pleural-Effusions', 2, 'finding', ('pleural_effusion',), id='plural-hyphen'),
        pytest.param('kidney tumour', 2, 'finding', ('kidney_tumor',), id='british'),
        pytest.param('left kidney', 2, 'structure', ('kidney_left',), id='sided'),
        pytest.param('femur', 1, 'structure', ('femur_left', 'femur_right'), id='without-side'),
        pytest.param('RUL', 1, 'structure', ('lung_upper_lobe_right',), id='abbreviation'),
        pytest.param('pacemakers', 1, 'device', ('pacemaker',), id='device'),
        pytest.param('hiatal hernia', 2, 'finding', (), id='lexicon-only'),
        pytest.param('lymph nodes', 2, 'structure', ('lymph_node',), id='lexicon-decides-the-kind'),
        pytest.param('he', 1, None, (), id='pronoun-is-no-abbreviation'),
        pytest.param('text', 1, None, (), id='too-common-a-name'),
        pytest.param('bananas', 1, None, (), id='unknown'),
    ],
)
def test_names(index, text, length, role, labels):
    term, found = index.longest(read_words(text), 0)
    assert (found, term.roles.get('name'), term.labels) == (length, role, labels)


def test_short_forms_can_be_left_out(index):
    term, _ = index.longest(read_words('HE'), 0, short_forms=False)
    assert term.labels == ()


@pytest.mark.parametrize(
    ('word', 'is_adjective'),
    [
        pytest.param('corticated', False, id='other-ending'),
        pytest.param('subphrenic', True, id='ending'),
        pytest.param('final', False, id='excepted'),
        pytest.param('ical', False, id='too-short'),
    ],
)
def test_unknown_adjectives_are_known_by_their_ending(index, word, is_adjective):
    assert ('adjective' in index.longest(read_words(word), 0)[0].roles) is is_adjective


def test_whole_names_of_lists_may_be_common_words(index):
    assert index.whole('cup').labels == ('optic_cup',)
    assert index.whole('bananas') is None


def test_every_label_is_found_by_its_name(index):
    ontology = Ontology.default()
    for label in ontology.labels:
        assert label in index.whole(ontology.display_name(label)).labels
