"""Prompts: spans that are exact, and errors that name what is wrong."""

import dataclasses

import pytest

from mmdet_medglip.text import Prompt, parse_prompt, prompt_from_caption, prompt_from_phrases

CAPTION = 'Nodule in the left lung, left lung clear.'


@pytest.mark.parametrize(
    ('phrases', 'caption', 'spans'),
    [
        pytest.param(['liver'], 'liver', (((0, 5),),), id='one'),
        pytest.param(
            ['liver', 'left kidney'], 'liver. left kidney', (((0, 5),), ((7, 18),)), id='two'
        ),
        pytest.param([' liver. ', 'a'], 'liver. a', (((0, 5),), ((7, 8),)), id='trimmed'),
        pytest.param(['a', 'a'], 'a. a', (((0, 1),), ((3, 4),)), id='repeated-keep-own-span'),
        pytest.param(
            ['T2/FLAIR (bright)', 'café'],
            'T2/FLAIR (bright). café',
            (((0, 17),), ((19, 23),)),
            id='punctuation-and-accents',
        ),
    ],
)
def test_phrases_join_with_exact_spans(phrases, caption, spans):
    prompt = prompt_from_phrases(phrases)
    assert (prompt.caption, prompt.spans) == (caption, spans)
    assert len(prompt) == len(phrases)
    for phrase, ((start, end),) in zip(prompt.phrases, prompt.spans, strict=True):
        assert prompt.caption[start:end] == phrase


@pytest.mark.parametrize(
    ('spans', 'phrases'),
    [
        pytest.param([[[0, 6]]], ('Nodule',), id='one'),
        pytest.param([[[14, 23]], [[0, 6]]], ('left lung', 'Nodule'), id='order-is-label-order'),
        pytest.param([[[14, 23], [25, 34]]], ('left lung / left lung',), id='two-spans'),
        pytest.param([[[0, len(CAPTION)]]], (CAPTION,), id='whole-caption'),
    ],
)
def test_caption_spans_become_phrases(spans, phrases):
    prompt = prompt_from_caption(CAPTION, spans)
    assert prompt.caption == CAPTION
    assert prompt.phrases == phrases
    assert [list(map(list, of_one)) for of_one in prompt.spans] == spans


@pytest.mark.parametrize(
    ('text', 'phrases'),
    [
        pytest.param('Detect: pneumonia, nodule', ('pneumonia', 'nodule'), id='lead-and-commas'),
        pytest.param('  FIND : a;b\nc', ('a', 'b', 'c'), id='lead-any-case-semicolon-newline'),
        pytest.param('optic disc . optic cup .', ('optic disc', 'optic cup'), id='glip-style'),
        pytest.param('liver. spleen.', ('liver', 'spleen'), id='full-stops'),
        pytest.param('nodule of 1.5 cm, cyst', ('nodule of 1.5 cm', 'cyst'), id='decimal-kept'),
        pytest.param('liver, liver, spleen', ('liver', 'spleen'), id='repeated-once'),
        pytest.param('left kidney', ('left kidney',), id='one-phrase'),
        pytest.param('polyp,, ;', ('polyp',), id='empty-parts-dropped'),
    ],
)
def test_written_lists_are_read(text, phrases):
    assert parse_prompt(text).phrases == phrases


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        pytest.param(lambda: prompt_from_phrases([]), 'Empty prompt', id='no-phrase'),
        pytest.param(lambda: prompt_from_phrases(['a', ' . ']), "phrase '' is empty", id='blank'),
        pytest.param(
            lambda: prompt_from_phrases('liver'), "got the string 'liver'", id='string-for-list'
        ),
        pytest.param(lambda: parse_prompt(''), 'Empty prompt', id='parse-empty'),
        pytest.param(lambda: parse_prompt('Detect: '), 'Empty prompt', id='parse-lead-alone'),
        pytest.param(lambda: prompt_from_caption(CAPTION, []), 'Empty prompt', id='caption-none'),
        pytest.param(
            lambda: prompt_from_caption(CAPTION, [[]]), 'is empty', id='caption-phrase-no-span'
        ),
        pytest.param(
            lambda: prompt_from_caption(CAPTION, [[[35, 99]]]),
            rf'span \[35, 99\) .* expected 0 <= start < end <= {len(CAPTION)}',
            id='beyond-caption',
        ),
        pytest.param(
            lambda: prompt_from_caption(CAPTION, [[[-3, 2]]]), r'span \[-3, 2\)', id='negative'
        ),
        pytest.param(lambda: prompt_from_caption(CAPTION, [[[6, 0]]]), 'is empty', id='inverted'),
        pytest.param(
            lambda: prompt_from_caption(CAPTION, [[[0, 6], [9, 7]]]),
            r'span \[9, 7\)',
            id='one-of-two-inverted',
        ),
        pytest.param(
            lambda: Prompt('a. b', ('a', 'b'), (((0, 1),),)),
            '2 phrases but 1 span lists',
            id='lengths-differ',
        ),
        pytest.param(lambda: Prompt('a', ('a',), ((),)), "'a' has no character span", id='no-span'),
    ],
)
def test_bad_prompts_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_prompt_is_a_value():
    prompt = prompt_from_phrases(['liver'])
    assert prompt == prompt_from_phrases(['liver'])
    assert hash(prompt) == hash(prompt_from_phrases(['liver']))
    with pytest.raises(dataclasses.FrozenInstanceError):
        prompt.caption = 'spleen'
