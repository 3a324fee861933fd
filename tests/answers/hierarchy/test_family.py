"""How phrases of a prompt are related."""

import pytest
import torch

from mmdet_medglip.answers.hierarchy import family_of, node_of
from mmdet_medglip.ontology import Ontology

PROMPT = ('left kidney', 'kidney', 'ren', 'abdomen', 'zebra', 'right kidney', 'liver')


def pairs(family, relation: torch.Tensor) -> set[tuple[str, str]]:
    return {(family.phrases[i], family.phrases[j]) for i, j in relation.nonzero().tolist()}


def test_levels_and_parents(family):
    found = family(*PROMPT)
    # The class of the liver is not in the prompt and comes behind it.
    assert found.phrases == (*PROMPT, 'liver and biliary tract')
    assert (found.num_own, found.num_asked) == (7, 7)
    assert found.levels == (
        *('label', 'class', 'class', 'region', None, 'label', 'label'),
        'class',
    )
    assert found.parent == (1, 3, 3, None, None, 1, 7, 3)
    assert found.children(1) == found.children(2) == [0, 5]
    assert found.children(3) == [1, 7]
    assert found.children(4) == []


def test_what_lies_above_what(family):
    found = family(*PROMPT)
    group = 'liver and biliary tract'
    assert pairs(found, found.above) == {
        *((name, side) for name in ('kidney', 'ren') for side in ('left kidney', 'right kidney')),
        *(('abdomen', name) for name in PROMPT if name not in ('abdomen', 'zebra')),
        ('abdomen', group),
        (group, 'liver'),
    }


def test_synonyms_and_siblings(family):
    found = family(*PROMPT)
    assert pairs(found, found.synonyms) == {('kidney', 'ren'), ('ren', 'kidney')}
    assert found.representative.tolist() == [0, 1, 1, 3, 4, 5, 6, 7]
    siblings = {
        ('left kidney', 'right kidney'),
        ('kidney', 'liver and biliary tract'),
        ('ren', 'liver and biliary tract'),
    }
    assert pairs(found, found.siblings) == siblings | {(b, a) for a, b in siblings}


def test_asking_for_what_lies_above_counts_it_as_asked(family):
    found = family('left kidney', 'abdomen', ask_above=True)
    assert found.phrases == ('left kidney', 'abdomen', 'kidney')
    assert (found.num_own, found.num_asked) == (2, 3)


@pytest.mark.parametrize(
    ('level', 'expected'),
    [
        pytest.param('label', (0, None, None, None, 4, 5, 6, None), id='label'),
        pytest.param('class', (1, 1, 2, None, 4, 1, 7, 7), id='class'),
        pytest.param('region', (3, 3, 3, 3, 4, 3, 3, 3), id='region'),
    ],
)
def test_entries_at_a_level(family, level, expected):
    assert family(*PROMPT).at_level(level) == expected


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        pytest.param('sides', {('left kidney', 'right kidney')}, id='sides'),
        pytest.param(
            'siblings',
            {('left kidney', 'right kidney'), ('pulmonary nodule', 'pneumonia')},
            id='siblings-but-not-many-and-one',
        ),
        pytest.param(
            'look_alikes',
            {
                ('left kidney', 'right kidney'),
                ('pulmonary nodule', 'pneumonia'),
                ('pneumonia', 'soft exudate'),
            },
            id='look-alikes-reach-over-classes',
        ),
    ],
)
def test_rivals(family, kind, expected):
    found = family(
        *('left kidney', 'right kidney', 'kidneys', 'pulmonary nodule', 'pneumonia'),
        *('kidney cyst', 'left kidney cyst', 'soft exudate'),
    )
    labels = pairs(found, found.rivals(kind)[:8, :8])
    assert labels == expected | {(b, a) for a, b in expected}


def test_synonyms_share_their_rivals(family):
    found = family('left kidney', 'kidney left', 'right kidney')
    assert pairs(found, found.rivals('sides')) >= {
        ('left kidney', 'right kidney'),
        ('kidney left', 'right kidney'),
    }


def test_the_modality_decides_what_is_ambiguous():
    ontology = Ontology.default()
    assert node_of('nodule', ontology) is None
    assert node_of('nodule', ontology, 'ct') == 'pulmonary_nodule'
    assert node_of('nodule', ontology, 'ultrasound') == 'thyroid_nodule'
    assert node_of('left kidney', ontology, 'no such modality') == 'kidney_left'
    assert node_of('femur', ontology, 'ct') == ontology.find('femur')


def test_unknown_words_have_no_relatives(family):
    found = family('zebra', 'two zebras')
    assert found.phrases == ('zebra', 'two zebras')
    assert not (found.above | found.synonyms | found.siblings).any()


def test_families_are_found_once():
    ontology = Ontology.default()
    assert family_of(('liver',), ontology) is family_of(('liver',), ontology)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        pytest.param(lambda f: f.at_level('organ'), "one of .*got 'organ'", id='level'),
        pytest.param(lambda f: f.rivals('friends'), "of a kind .*got 'friends'", id='rivals'),
    ],
)
def test_unknown_words_for_relations(family, call, message):
    with pytest.raises(ValueError, match=message):
        call(family('liver'))
