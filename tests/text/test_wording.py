"""Ways to say a label."""

import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text import WORDINGS, say

ONTOLOGY = Ontology.default()


def _last(count: int) -> int:
    return count - 1


@pytest.mark.parametrize(
    ('node', 'wording', 'expected'),
    [
        ('kidney_stone', 'name', 'kidney stone'),
        ('kidney_stone', 'synonym', 'renal stone'),
        ('kidney_stone', 'abbreviation', None),
        ('kidney_stone', 'attributed', 'small bright kidney stone'),
        ('kidney_stone', 'description', 'small bright concretion in the kidney'),
        ('lung_left', 'description', 'large dark air-filled organ in the left side of the chest'),
        ('spleen', 'attributed', 'crescent-shaped homogeneous spleen in the left upper abdomen'),
        ('kidney', 'name', 'kidney'),
        ('kidney', 'abbreviation', None),
        ('abdomen', 'name', 'abdomen'),
        ('abdomen', 'description', None),
    ],
)
def test_first_words(node, wording, expected):
    assert say(ONTOLOGY, node, wording) == expected


def test_abbreviation():
    label = next(i for i in ONTOLOGY.labels if ONTOLOGY.info(i).abbreviations)
    assert say(ONTOLOGY, label, 'abbreviation') == ONTOLOGY.info(label).abbreviations[0]


def test_choice_decides_name_and_attributes():
    assert say(ONTOLOGY, 'kidney_stone', 'synonym', _last) == ONTOLOGY.synonyms('kidney_stone')[-1]
    every = say(ONTOLOGY, 'kidney_stone', 'description', _last)  # ``_last(2)`` keeps each
    assert every == 'round white concretion in the kidney'
    one = say(ONTOLOGY, 'kidney_stone', 'description', lambda count: 0)  # keeps none: the first
    assert one == 'small concretion'


@pytest.mark.parametrize('wording', WORDINGS)
def test_every_label_can_be_said_or_not_at_all(wording):
    for label in ONTOLOGY.labels:
        words = say(ONTOLOGY, label, wording)
        assert words is None or (words == words.strip() and words and '  ' not in words)
        if wording in ('name', 'description'):
            assert words is not None


def test_description_does_not_say_the_name():
    telling = [
        label
        for label in ONTOLOGY.labels
        if f' {ONTOLOGY.display_name(label)} ' in f' {say(ONTOLOGY, label, "description")} '
    ]
    assert telling == []
