"""Words and sentences of a text, by character offsets."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mmdet_medglip.ontology.names import fold

__all__ = ['Word', 'read_words', 'split_sentences']

# No alternative can match in two ways, so reading is linear in the text.
_WORD = re.compile(r'[^\W\d_][^\W_]*|\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)*|_+|[^\w\s]')
_MASK = re.compile(r'X{3,}|_{3,}')
_BREAKS = ('.', '!', '?')
_BULLETS = ('-', '*', '•', '·')
_SHORTENED = ('vs', 'approx', 'dr', 'ca', 'cf', 'st', 'e.g', 'i.e')


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a number or a punctuation mark of a text.

    Args:
        start: First character in the text.
        end: Character behind the last.
        key: What words are compared by: case folded, American spelling; a mark as it is.
        raw: The characters themselves.
    """

    start: int
    end: int
    key: str
    raw: str

    @property
    def is_number(self) -> bool:
        """Whether it is a number in digits."""
        return self.raw[-1].isdecimal() and self.raw[0].isdecimal()

    @property
    def is_mask(self) -> bool:
        """Whether it stands for what was taken out to hide identities: ``XXXX`` or ``___``."""
        return self.raw[0] in 'X_' and _MASK.fullmatch(self.raw) is not None


def read_words(text: str) -> list[Word]:
    """Split a text into words; hyphens within a word only separate, and are left out.

    Args:
        text: Any text.

    Returns:
        The words in order; none if the text is blank.

    Example:
        >>> [word.key for word in read_words('Ground-glass tumour, 2.5cm.')]
        ['ground', 'glass', 'tumor', ',', '2.5', 'cm', '.']
    """
    words = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        raw = match.group()
        if raw == '-' and text[start - 1 : start].isalnum() and text[end : end + 1].isalnum():
            continue
        words.append(Word(start, end, _key(raw), raw))
    return words


def split_sentences(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    """Group words into sentences.

    A sentence ends with its mark, at a blank line, and before a line that starts like an item of a
    list; not at the single line breaks of wrapped text.

    Args:
        text: The text.
        words: Its words, as :func:`read_words` gives them.

    Yields:
        The words of a sentence, at least one, the closing mark included.

    Example:
        >>> text = 'No effusion. Nodule of 1.5 cm'
        >>> [len(sentence) for sentence in split_sentences(text, read_words(text))]
        [3, 4]
    """
    sentence: list[Word] = []
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else None
        if sentence and _starts_paragraph(text[sentence[-1].end : word.start], word, following):
            yield sentence
            sentence = []
        sentence.append(word)
        if word.key in _BREAKS and _ends_sentence(sentence, following):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


@lru_cache(maxsize=4096)
def _key(raw: str) -> str:
    return fold(raw) or raw


def _starts_paragraph(gap: str, word: Word, following: Word | None) -> bool:
    breaks = gap.count('\n')
    if breaks == 0:
        return False
    numbered = word.is_number and following is not None and following.key in ('.', ')')
    return breaks > 1 or numbered or word.key in _BULLETS


def _ends_sentence(sentence: Sequence[Word], following: Word | None) -> bool:
    mark = sentence[-1]
    if following is None:
        return True
    if len(sentence) > 1 and mark.key == '.' and sentence[-2].key in _SHORTENED:
        return False
    if following.key in _BREAKS and following.start == mark.end:
        return False
    return following.start > mark.end or following.raw[0].isupper()
