"""Noun phrases: where they start, and what is one and what is two."""

import pytest

from mmdet_medglip.text.phrase import Phrase, find_phrases
from mmdet_medglip.text.report import read_sentence


def phrases(text: str) -> list[tuple[str, str]]:
    found = [e for e in find_phrases(read_sentence(text)) if isinstance(e, Phrase)]
    return [(text[phrase.start : phrase.end], phrase.kind) for phrase in found]


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('the two small nodules', [('small nodules', 'finding')], id='without-article'),
        pytest.param(
            'small, irregular mass', [('small, irregular mass', 'finding')], id='comma-in-phrase'
        ),
        pytest.param(
            'mild to moderate cardiomegaly',
            [('mild to moderate cardiomegaly', 'finding')],
            id='range-of-severity',
        ),
        pytest.param(
            'left lung base opacity', [('left lung base opacity', 'finding')], id='place-is-part'
        ),
        pytest.param(
            'upper and lower lobes', [('upper and lower lobes', 'structure')], id='shared-noun'
        ),
        pytest.param(
            'heart and mediastinal contours',
            [('heart', 'structure'), ('mediastinal contours', 'structure')],
            id='two-structures',
        ),
        pytest.param(
            'heart is enlarged, mild edema',
            [('heart', 'structure'), ('mild edema', 'finding')],
            id='told-words-stay-behind',
        ),
        pytest.param('degenerative changes', [('degenerative changes', 'finding')], id='kind'),
        pytest.param('changes', [], id='no-kind'),
        pytest.param('contours', [], id='quality-of-nothing'),
        pytest.param('large and', [], id='no-name'),
    ],
)
def test_phrases(text, expected):
    assert phrases(text) == expected


def test_a_phrase_has_at_most_four_names():
    assert phrases('lung ' * 5) == [('lung lung lung lung', 'structure'), ('lung', 'structure')]
