"""Words and sentences: exact offsets, and bounds of sentences."""

import pytest

from mmdet_medglip.text.word import read_words, split_sentences


@pytest.mark.parametrize(
    ('text', 'keys'),
    [
        pytest.param('Ground-glass opacity', ['ground', 'glass', 'opacity'], id='hyphen-separates'),
        pytest.param('Oedema, tumour', ['edema', ',', 'tumor'], id='american-spelling'),
        pytest.param('8mm x 1.5 cm', ['8', 'mm', 'x', '1.5', 'cm'], id='number-before-unit'),
        pytest.param('T12 1st', ['t12', '1st'], id='level-and-ordinal-are-words'),
        pytest.param('left -- right', ['left', '-', '-', 'right'], id='dashes-stay'),
        pytest.param('r/o', ['r', '/', 'o'], id='slash-stays'),
        pytest.param('عقدة 🫁', ['عقدة', '🫁'], id='any-script'),
        pytest.param(' \n\t', [], id='blank'),
    ],
)
def test_words_have_keys_and_exact_offsets(text, keys):
    words = read_words(text)
    assert [word.key for word in words] == keys
    assert [text[word.start : word.end] for word in words] == [word.raw for word in words]


@pytest.mark.parametrize(
    ('raw', 'is_mask', 'is_number'),
    [
        pytest.param('XXXX', True, False, id='open-i'),
        pytest.param('___', True, False, id='mimic'),
        pytest.param('xxxx', False, False, id='small-letters'),
        pytest.param('XX', False, False, id='too-short'),
        pytest.param('12', False, True, id='number'),
        pytest.param('12th', False, False, id='ordinal'),
    ],
)
def test_masks_and_numbers_are_told(raw, is_mask, is_number):
    (word,) = read_words(raw)
    assert (word.is_mask, word.is_number) == (is_mask, is_number)


@pytest.mark.parametrize(
    ('text', 'sentences'),
    [
        pytest.param('No mass. Clear!', ['No mass.', 'Clear!'], id='marks'),
        pytest.param('Mass of 1.5 cm', ['Mass of 1.5 cm'], id='decimal-point'),
        pytest.param('Scar vs. mass', ['Scar vs. mass'], id='shortened-word'),
        pytest.param('Clear.There is', ['Clear.', 'There is'], id='blank-forgotten'),
        pytest.param('wrapped\nline', ['wrapped\nline'], id='wrapped'),
        pytest.param('one\n\ntwo', ['one', 'two'], id='paragraph'),
        pytest.param('a\n- b\n2. c', ['a', '- b', '2.', 'c'], id='list-items'),
        pytest.param('well...', ['well...'], id='dots-once'),
        pytest.param('', [], id='empty'),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, sentences):
    found = split_sentences(text, read_words(text))
    assert [text[words[0].start : words[-1].end] for words in found] == sentences
