"""Words of an answer as LLaVA-Med's evaluation counts them.

The rules are those of ``normalize_word`` in ``llava/eval/eval_metrics/glossary.py`` of
microsoft/LLaVA-Med at b9a98a7, read and written anew; they go back to the VQA challenge's
evaluation (Antol et al., VQA: Visual Question Answering, ICCV 2015). What looks odd is kept, as
figures depend on it, and is said in :func:`normalise`.
"""

from __future__ import annotations

import re

__all__ = ['normalise', 'words_of']

_PUNCTUATION = ';/[]"{}()=+\\_->' + '<@`,?!'
_PERIOD = re.compile(r'\.(?!\d)')
_PERIODS_AT_MOST = 32
_COMMA_IN_NUMBER = re.compile(r'\d,\d')
_ARTICLES = frozenset({'a', 'an', 'the'})
_DIGITS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten')
_NUMBERS = {word: str(value) for value, word in enumerate(_DIGITS)} | {'none': '0'}
_CONTRACTED = re.findall(
    r'\S+',
    """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
    haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't
    mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've
    should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've
    someone'll someone's something'd something'd've something'll that's there'd there'd've there're
    there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll
    what're what's what've when's where'd where's where've who'd who'd've who'll who's who've
    why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've
    you'd you'd've you'll you're you've
    """,
)
"""Words that are restored where one apostrophe is missing."""


def _without_one_apostrophe(word: str) -> list[str]:
    return [word[:at] + word[at + 1 :] for at, letter in enumerate(word) if letter == "'"]


_RESTORED = {short: word for word in _CONTRACTED for short in _without_one_apostrophe(word)}
_RESTORED["somebody'd"] = 'somebodyd'


def normalise(text: str) -> str:
    """Bring an answer to the form in which answers are compared.

    In lower case; a punctuation mark becomes a space, or nothing if anywhere in the text the mark
    has a space beside it, or any number has a comma within; a full stop goes unless a digit
    follows, the first 32 of them; articles go; ``none`` and ``zero`` to ``ten`` become digits; a
    missing apostrophe of a contraction is restored.

    Example:
        >>> normalise('The left-sided opacities, two of them.')
        'left sided opacities 2 of them'
    """
    has_number = _COMMA_IN_NUMBER.search(text) is not None
    stripped = text
    for mark in _PUNCTUATION:
        is_beside_space = f'{mark} ' in text or f' {mark}' in text
        stripped = stripped.replace(mark, '' if is_beside_space or has_number else ' ')
    stripped = _PERIOD.sub('', stripped, count=_PERIODS_AT_MOST)
    words = (_NUMBERS.get(word, word) for word in stripped.lower().split())
    return ' '.join(_RESTORED.get(word, word) for word in words if word not in _ARTICLES)


def words_of(text: str) -> list[str]:
    """Return the words of an answer as open answers are scored: normalised twice, as there."""
    return normalise(normalise(text.lower())).split()
