"""Under which name a finding of a report counts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.layout import Entry, read_yaml
from mmdet_medglip.ontology.names import fold, plural_of, without_side
from mmdet_medglip.text import Mention
from mmdet_medglip.text.lexicon import Lexicon, key_of

__all__ = ['FindingNames']

_YAML = Path(__file__).with_name('finding_names.yaml')
_FORMAT = 1


class FindingNames:
    """Names under which mentions count.

    Args:
        data: The content of a file of names; ``finding_names.yaml`` documents the layout.
        ontology: The labels; the packaged ones if None.
        origin: What error messages call the source of ``data``.

    Raises:
        ValueError: If ``data`` has another layout.
    """

    def __init__(
        self, data: Any, ontology: Ontology | None = None, origin: str = 'finding names'
    ) -> None:
        self.ontology = ontology or Ontology.default()
        top = Entry(data, origin, '', ('format', 'synonyms', 'states', 'general'))
        if top.raw('format') != _FORMAT:
            raise top.error('format', f'must be {_FORMAT}; update the file', top.raw('format'))
        lexicon = Lexicon.default()
        self._names = {
            key: roles['name'] for key, roles in lexicon.roles.items() if 'name' in roles
        }
        words = [
            ' '.join(key) for key, roles in lexicon.roles.items() if {'name', 'weak'} & {*roles}
        ]
        self._singular = {fold(plural_of(word)): fold(word) for word in words}
        self._synonyms: dict[str, str] = {}
        synonyms = top.entry('synonyms', tuple(top.raw('synonyms') or ()))
        for name in synonyms.names():
            self._synonyms |= {fold(other): name for other in synonyms.texts(name)}
        self._general = {fold(name) for name in top.texts('general')}
        self._states: dict[str, tuple[str, frozenset[str]]] = {}
        states = top.entry('states', tuple(top.raw('states') or ()))
        for name in states.names():
            state = states.entry(name, ('structures', 'words'))
            found = frozenset(fold(word) for word in state.texts('words'))
            self._states |= {fold(one): (name, found) for one in state.texts('structures')}

    @classmethod
    def default(cls) -> FindingNames:
        """Return the packaged names with the packaged ontology; read once per process."""
        return _default_names()

    def name(self, mention: Mention, head: str, modality: str | None = None) -> str | None:
        """Return the name under which a mention counts.

        Args:
            mention: A finding, device or structure.
            head: The words of its ``head``.
            modality: Id of the modality of the images, which decides between meanings; None if
                not known.

        Returns:
            A label id, without side; else the words of the head in the singular, behind
            ``abnormal`` if it is a structure that is said to be abnormal. None for words that
            name no particular finding.
        """
        words = fold(head)
        words = self._singular.get(words, words)
        if words in self._general:
            return None
        if mention.kind == 'finding' and words in self._states:
            name, said = self._states[words]
            if said.intersection(fold(mention.text).split()):
                return name
        if words in self._synonyms:
            return self._synonyms[words]
        label = self._label(mention.labels, head, modality)
        is_abnormal = mention.kind == 'finding' and self._is_structure(label, words)
        return f'abnormal {label or words}' if is_abnormal else label or words

    def denied_by_normal(self, head: str) -> str | None:
        """Return the finding that a normal structure denies; None if none in particular."""
        state = self._states.get(fold(head))
        return None if state is None else state[0]

    def _label(self, labels: tuple[str, ...], head: str, modality: str | None) -> str | None:
        """Return the one label of a mention, without its side; None if there is not one."""
        if modality is not None and len(labels) > 1:
            try:
                decided = self.ontology.parse_label(head, modality=modality)
            except ValueError:
                decided = ''
            labels = (decided,) if decided in labels else labels
        found = {without_side(label).replace(' ', '_') for label in labels}
        return found.pop() if len(found) == 1 else None

    def _is_structure(self, label: str | None, words: str) -> bool:
        if label in self.ontology.labels:
            return not (self.ontology.is_lesion(label) or self.ontology.is_device(label))
        return self._names.get(key_of(words)) == 'structure'


@cache
def _default_names() -> FindingNames:
    return FindingNames(read_yaml(_YAML), origin=str(_YAML))
