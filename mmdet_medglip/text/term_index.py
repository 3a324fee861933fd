"""Look-up of words in running text: the lexicon and the names of the ontology, longest first."""

from collections.abc import Iterator, Sequence

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import plural_of, without_side

from .lexicon import Key, Lexicon, key_of
from .term import Term
from .word import Word

__all__ = ['TermIndex']

_LEAST_ADJECTIVE = 5  # letters
_LONGEST = 12  # words
_UNKNOWN = Term()
_ADJECTIVE = Term({'modifier': 'nature', 'adjective': 'adjective'})


class TermIndex:
    """Terms by their words.

    The ontology decides what a name means (``Ontology.candidates``); the lexicon adds names and
    all other roles, and goes first where both know a term.

    Args:
        lexicon: The words.
        ontology: The names.

    Example:
        >>> from mmdet_medglip.text.word import read_words
        >>> index = TermIndex(Lexicon.default(), Ontology.default())
        >>> term, length = index.longest(read_words('pleural effusions are small'), 0)
        >>> term.labels, length
        (('pleural_effusion',), 2)
    """

    def __init__(self, lexicon: Lexicon, ontology: Ontology) -> None:
        self._ontology = ontology
        self._adjective_endings = lexicon.adjective_endings
        self._not_adjectives = lexicon.not_adjectives
        self._terms: dict[Key, Term] = {}
        self._lengths: dict[str, int] = {}
        self._abbreviations: dict[str, Term] = {}
        for key, roles in lexicon.roles.items():
            words = ' '.join(key)
            labels = ontology.candidates(words) if roles.keys() & {'name', 'weak'} else ()
            self._add(key, Term(roles, labels))
            if roles.keys() & {'name', 'weak', 'quality'}:
                self._add(key_of(plural_of(words)), Term(roles, labels))
        for node in (*ontology.labels, *ontology.classes, *ontology.regions):
            term_of = {'name': _kind(ontology, node)}
            for name in _names(ontology, node):
                if key_of(name) not in lexicon.not_names:
                    self._add(key_of(name), Term(term_of, ontology.candidates(name)))
        for label in ontology.labels:
            for short in ontology.info(label).abbreviations:
                self._abbreviations[short] = Term({'name': _kind(ontology, label)}, (label,))

    def whole(self, name: str) -> Term | None:
        """Find a name of the ontology that is all of some words, such as a phrase of a list.

        Args:
            name: The words.

        Returns:
            The term, whose name is of the kind of the first label; None if it is no such name.
        """
        labels = self._ontology.candidates(name)
        return Term({'name': _kind(self._ontology, labels[0])}, labels) if labels else None

    def longest(
        self, words: Sequence[Word], at: int, *, short_forms: bool = True
    ) -> tuple[Term, int]:
        """Find the longest term that starts at a word.

        Args:
            words: Words of a sentence.
            at: Where to look.
            short_forms: Whether abbreviations of the ontology count; they are known by their
                capitals, so in a text of capitals they should not.

        Returns:
            The term and its number of words; a term without roles and 1 for an unknown word.
        """
        word = words[at]
        if short_forms and word.raw in self._abbreviations:
            return self._abbreviations[word.raw], 1
        most = min(self._lengths.get(word.key, 0), len(words) - at)
        for length in range(most, 0, -1):
            term = self._terms.get(tuple(w.key for w in words[at : at + length]))
            if term is not None:
                return term, length
        return (_ADJECTIVE if self._is_adjective(word.key) else _UNKNOWN), 1

    def _is_adjective(self, key: str) -> bool:
        return (
            len(key) >= _LEAST_ADJECTIVE
            and key.endswith(self._adjective_endings)
            and key not in self._not_adjectives
        )

    def _add(self, key: Key, term: Term) -> None:
        if not 0 < len(key) <= _LONGEST:
            return
        known = self._terms.get(key)
        if known is not None:
            term = Term({**term.roles, **known.roles}, known.labels or term.labels)
        self._terms[key] = term
        self._lengths[key[0]] = max(len(key), self._lengths.get(key[0], 0))


def _names(ontology: Ontology, node: str) -> Iterator[str]:
    """Yield the names of an id, in the singular and plural, with and without side."""
    names = [ontology.display_name(node), *ontology.synonyms(node)]
    names += [plural_of(name) for name in names]
    if ontology.level(node) == 'label':
        info = ontology.info(node)
        names.append(info.plural)
        if info.side:
            names += [without_side(name) for name in names]
    for name in names:
        if ontology.candidates(name):
            yield name


def _kind(ontology: Ontology, node: str) -> str:
    label = node
    while ontology.level(label) != 'label':
        label = ontology.children(label)[0]
    if node != label and ontology.level(node) == 'region':
        return 'structure'
    if ontology.is_lesion(label):
        return 'finding'
    return 'device' if ontology.is_device(label) else 'structure'
