"""Words that a small model can say: those of the texts it was trained on."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ['WordVocabulary', 'split_words']

_WORD = re.compile(r'\w+|[^\w\s]')
_SPECIAL = ('<pad>', '<start>', '<end>', '<unknown>')
_CLOSING = frozenset('.,;:!?)')


def split_words(text: str) -> list[str]:
    """Split a text into words and marks, in lower case.

    Example:
        >>> split_words('No lesion, 15 mm.')
        ['no', 'lesion', ',', '15', 'mm', '.']
    """
    return _WORD.findall(text.lower())


class WordVocabulary:
    """Numbers of words.

    Args:
        texts: What may be said; each word that occurs often enough gets a number.
        min_count: How often is enough, at least 1.

    Raises:
        ValueError: If there is no word.

    Example:
        >>> words = WordVocabulary(['Two lesions.', 'No lesion.'])
        >>> words.decode(words.encode('No lesions.'))
        'No lesions.'
    """

    pad, start, end, unknown = range(len(_SPECIAL))

    def __init__(self, texts: Iterable[str], min_count: int = 1) -> None:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split_words(text))
        kept = sorted(word for word, count in counts.items() if count >= min_count)
        if not kept:
            raise ValueError(
                f'No word occurs {min_count} times in the {counts.total()} words of the training '
                'texts; expected answers or reports with words.'
            )
        self.words = (*_SPECIAL, *kept)
        self._number = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        """Return how many words there are, the four special ones included."""
        return len(self.words)

    @property
    def digest(self) -> int:
        """A number of 60 bits that belongs to these words in this order."""
        text = '\n'.join(self.words)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'big') >> 4

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the words of a text, without start and end."""
        return [self._number.get(word, self.unknown) for word in split_words(text)]

    def decode(self, numbers: Sequence[int]) -> str:
        """Write words as a text, up to the first ``end``: blanks and capitals as in prose."""
        text, opens = '', True
        for number in numbers:
            if number == self.end:
                break
            if number in (self.pad, self.start):
                continue
            word = self.words[number]
            text += ('' if not text or word in _CLOSING else ' ') + (
                word[:1].upper() + word[1:] if opens else word
            )
            opens = word == '.'
        return text
