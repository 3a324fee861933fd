"""Words and their numbers."""

import pytest

from mmdet_medglip.downstream.small.word_vocabulary import WordVocabulary, split_words


def test_words_and_marks_are_apart():
    assert split_words('No lesion, 15 mm.') == ['no', 'lesion', ',', '15', 'mm', '.']


def test_a_text_comes_back_as_prose():
    text = 'There are two lesions, up to 15 mm. No stone.'
    words = WordVocabulary([text])
    assert words.decode(words.encode(text)) == text


def test_what_follows_the_end_is_not_said():
    words = WordVocabulary(['yes no'])
    yes, no = words.encode('yes no')
    assert words.decode([yes, words.end, no]) == 'Yes'
    assert words.decode([words.end, yes]) == ''


def test_unknown_words_have_a_number_of_their_own():
    words = WordVocabulary(['yes'])
    assert words.encode('maybe') == [words.unknown]


def test_rare_words_are_left_out():
    words = WordVocabulary(['yes yes no'], min_count=2)
    assert words.words[-1] == 'yes' and len(words) == 5


def test_equal_texts_in_another_order_make_equal_numbers():
    first, second = WordVocabulary(['b a']), WordVocabulary(['a', 'b'])
    assert first.words == second.words and first.digest == second.digest
    assert WordVocabulary(['a', 'c']).digest != first.digest


def test_no_words_is_an_error():
    with pytest.raises(ValueError, match='No word occurs 2 times in the 1 words'):
        WordVocabulary(['yes'], min_count=2)
