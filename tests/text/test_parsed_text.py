"""A parsed text: a prompt of what can be grounded, and its sentences."""

import pytest

from mmdet_medglip.text import parse_phrases, parse_report

TEXT = 'No effusion. Small nodule in the left lung. Cyst, 5 mm.'


def test_prompt_is_the_text_with_the_spans_of_what_can_be_grounded():
    prompt = parse_report(TEXT).to_prompt()
    assert prompt.caption == TEXT
    assert prompt.phrases == ('Small nodule', 'Cyst')
    assert prompt.spans == (((13, 25),), ((44, 48),))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('No effusion.', r'got 1 negated and 0 not groundable', id='negated'),
        pytest.param('Heart is normal.', r'got 0 negated and 1 not groundable', id='normal'),
        pytest.param('', r"Nothing to ground in ''", id='empty'),
    ],
)
def test_nothing_to_ground_is_an_error_that_says_so(text, message):
    with pytest.raises(ValueError, match=message):
        parse_report(text).to_prompt()


def test_sentences_are_texts_of_their_own():
    parts = parse_report(TEXT).split()
    assert [part.text for part in parts] == [
        'No effusion.', 'Small nodule in the left lung.', 'Cyst, 5 mm.',
    ]  # fmt: skip
    for part in parts:
        assert part == parse_report(part.text)


def test_an_empty_text_has_no_sentence():
    assert parse_report('').split() == ()


def test_mentions_by_status():
    parsed = parse_phrases('no cyst, liver')
    assert [m.text for m in parsed.of_status('negated')] == ['no cyst']
    assert parsed.of_status('not_groundable') == ()
