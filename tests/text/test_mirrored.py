import random

import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text.mirrored import mirror, names_a_side


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('left kidney', 'right kidney', id='lower-case'),
        pytest.param('Right lung. LEFT lung', 'Left lung. RIGHT lung', id='case-is-kept'),
        pytest.param('left-sided effusion', 'right-sided effusion', id='sided'),
        pytest.param('shift rightward', 'shift leftward', id='ward'),
        pytest.param('kidney_left', 'kidney_right', id='an-id'),
        pytest.param('upright film, brightly lit', 'upright film, brightly lit', id='inside-words'),
        pytest.param('cleft palate', 'cleft palate', id='cleft'),
        pytest.param('L1 and L5 vertebra', 'L1 and L5 vertebra', id='vertebrae'),
        pytest.param('', '', id='empty'),
    ],
)
def test_words(text, expected):
    assert mirror(text).text == expected
    assert names_a_side(text) == (text != expected)


@pytest.mark.parametrize(
    'text',
    [
        'opacity in the RUL',
        'R kidney',
        'dextrocardia',
        'LAD stenosis left',
        'Rt. hilum',
        'OD: drusen',
    ],
)
def test_sides_in_letters_are_not_guessed(text):
    assert mirror(text) is None
    assert names_a_side(text)


def test_spans_follow_their_phrases():
    text = 'Nodule in the left lung, one right of the heart and a left hilum.'
    phrases = ['Nodule in the left lung', 'right of the heart', 'left hilum', 'heart']
    found = mirror(text)
    expected = ['Nodule in the right lung', 'left of the heart', 'right hilum', 'heart']
    for phrase, other in zip(phrases, expected, strict=True):
        start = text.index(phrase)
        begin, end = found.span(start, start + len(phrase))
        assert found.text[begin:end] == other
    assert found.spans([[0, 6], [len(text), len(text)]])[1] == [len(found.text)] * 2


@pytest.mark.parametrize('seed', range(50))
def test_twice_is_the_same(seed):
    """Any text of words with and without sides comes back, with all of its spans."""
    draw = random.Random(seed)
    words = ['left', 'Right', 'LEFT', 'right-sided', 'lung', 'upright', 'cleft', 'a', 'of,', '.']
    text = ' '.join(draw.choices(words, k=draw.randint(0, 12)))
    once = mirror(text)
    twice = mirror(once.text)
    assert twice.text == text
    edges = [0, *(i for i, letter in enumerate(text) if letter == ' '), len(text)]
    for start in edges:
        for end in edges:
            assert twice.span(*once.span(start, end)) == (start, end)


def test_every_name_of_the_ontology_becomes_that_of_the_other_side():
    ontology = Ontology.default()
    sided = [label for label in ontology.labels if ontology.side(label)]
    assert len(sided) > 50
    for label in ontology.labels:
        name = ontology.display_name(label)
        assert names_a_side(name) == (ontology.side(label) is not None)
    for label in sided:
        other = ontology.opposite(label)
        if other is not None:
            assert mirror(ontology.display_name(label)).text == ontology.display_name(other)
            assert ontology.opposite(other) == label
