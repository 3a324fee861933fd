"""The closed list of words by which sentences are read."""

from functools import cache
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology.layout import Entry, read_yaml

from .word import read_words

__all__ = ['Key', 'Lexicon', 'key_of']

Key = tuple[str, ...]
"""Words of a term as they are compared."""

_LEXICON_YAML = Path(__file__).with_name('lexicon.yaml')
_FORMAT = 1
_KINDS = {
    'names': ('name', ('finding', 'device', 'structure')),
    'modifiers': (
        'modifier',
        ('size', 'severity', 'shape', 'texture', 'colour', 'extent', 'time', 'nature'),
    ),
    'sides': ('side', ('left', 'right', 'bilateral')),
    'states': ('state', ('normal', 'unchanged', 'abnormal')),
    'cues': (
        'cue',
        (
            'negation_before', 'negation_after', 'not_negation', 'uncertain_before',
            'uncertain_next', 'uncertain_between', 'uncertain_after', 'ends',
        ),
    ),
    'asides': ('aside', ('history', 'question', 'advice')),
    'remarks': ('remark', ('comparison', 'technique')),
    'sections': ('section', ('not_findings', 'findings')),
}  # fmt: skip
_LISTS = {'weak_findings': 'weak', 'qualities': 'quality', 'places': 'place'}
_WORDS = ('article', 'number', 'unit', 'times', 'preposition', 'join', 'be', 'show', 'with')
_OTHERS = ('format', 'words', 'adjective_endings', 'not_adjectives', 'not_names')


class Lexicon:
    """Words and the roles they can have.

    Args:
        data: The content of a lexicon file; ``lexicon.yaml`` documents the layout.
        origin: What error messages call the source of ``data``.

    Attributes:
        roles: For each term its roles, see :class:`~mmdet_medglip.text.term.Term`.
        adjective_endings: Endings that make an unknown word an adjective.
        not_adjectives: Words with such an ending that are none.
        not_names: Names of an ontology that are no names in a sentence.

    Raises:
        ValueError: If ``data`` has another layout.

    Example:
        >>> Lexicon.default().roles[('ground', 'glass')]
        {'modifier': 'texture'}
    """

    def __init__(self, data: Any, origin: str = 'lexicon') -> None:
        top = Entry(data, origin, '', (*_KINDS, *_LISTS, *_OTHERS))
        if top.raw('format') != _FORMAT:
            raise top.error('format', f'must be {_FORMAT}; update the file', top.raw('format'))
        self.roles: dict[Key, dict[str, str]] = {}
        for section, (role, kinds) in _KINDS.items():
            entry = top.entry(section, kinds)
            for kind in entry.names():
                self._add(entry, kind, role, kind)
        for section, role in _LISTS.items():
            self._add(top, section, role, role)
        words = top.entry('words', _WORDS)
        for role in words.names():
            self._add(words, role, role, role)
        self.adjective_endings = top.texts('adjective_endings')
        self.not_adjectives = frozenset(top.texts('not_adjectives'))
        self.not_names = frozenset(key_of(name) for name in top.texts('not_names'))

    @classmethod
    def from_yaml(cls, path: str | Path) -> 'Lexicon':
        """Read a lexicon file.

        Args:
            path: YAML file in the layout of ``lexicon.yaml``.

        Returns:
            The lexicon.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not valid YAML or has another layout.
        """
        return cls(read_yaml(Path(path)), origin=str(path))

    @classmethod
    def default(cls) -> 'Lexicon':
        """Return the packaged lexicon; read once per process."""
        return _default_lexicon()

    def _add(self, entry: Entry, name: str, role: str, kind: str) -> None:
        for words in entry.texts(name):
            key = key_of(words)
            if not key:
                raise entry.error(name, 'must hold words', words)
            known = self.roles.setdefault(key, {}).setdefault(role, kind)
            if known != kind:
                raise entry.error(name, f'has {words!r}, which is under {known!r} too')


def key_of(words: str) -> Key:
    """Return what the words of a term are compared by."""
    return tuple(word.key for word in read_words(words))


@cache
def _default_lexicon() -> Lexicon:
    return Lexicon.from_yaml(_LEXICON_YAML)
