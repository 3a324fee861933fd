"""The ontology: which modalities and labels exist, and every name each goes by."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, SupportsIndex

from .entries import BoxPolicy, GroupInfo, LabelInfo, Rule
from .hierarchy import Hierarchy, did_you_mean
from .layout import read_yaml
from .loading import load_content
from .meaning import Places, left_choices
from .names import fold, plural_of

__all__ = ['DEFAULT_LABELS', 'BoxPolicy', 'GroupInfo', 'LabelInfo', 'Ontology']

DEFAULT_LABELS = Path(__file__).with_name('labels.yaml')
"""File of the packaged ontology."""

_LISTED = 12


class Ontology(Hierarchy):
    """Modalities and labels, found by any of their names.

    Labels belong to classes and classes to regions; no two of them share an id or a name. Build
    it with :meth:`default` or :meth:`from_yaml`. It never changes after that.

    Args:
        data: The content of a label file; ``labels.yaml`` documents the layout.
        origin: What error messages call the source of ``data``.

    Raises:
        ValueError: If ``data`` has another layout, or one name stands for two things.

    Example:
        >>> ontology = Ontology.default()
        >>> ontology.parse_label('Left Kidney')
        'kidney_left'
        >>> ontology.parse_label('nodule', modality='ultrasound')
        'thyroid_nodule'
        >>> ontology.parse_modality('CR')
        'xray'
        >>> ontology.ancestors('kidney_left')
        ('kidney', 'abdomen')
    """

    def __init__(self, data: Mapping[str, Any], origin: str = 'ontology') -> None:
        content = load_content(data, origin)
        super().__init__(content, origin)
        self._digest = hashlib.sha256(repr(content).encode()).hexdigest()
        self._places = Places(self._index, self, content.parts)
        self._rules: dict[str, Rule] = {}
        for rule in content.rules:
            for name in rule.names:
                self._add_rule(name, rule)

    @classmethod
    def from_yaml(cls, path: str | Path) -> 'Ontology':
        """Read a label file.

        Args:
            path: YAML file in the layout of ``labels.yaml``.

        Returns:
            The ontology.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not valid YAML or has another layout.
        """
        return cls(read_yaml(Path(path)), origin=str(path))

    @classmethod
    def default(cls) -> 'Ontology':
        """Return the packaged ontology; read once per process."""
        return _default_ontology()

    @property
    def digest(self) -> str:
        """Hash of all names, rules and policies, 64 hex digits."""
        return self._digest

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # The packaged ontology goes into a pickle as its name: each data loader worker has it.
        if self is _default_ontology():
            return (_default_ontology, ())
        return super().__reduce_ex__(protocol)

    def parse_label(
        self, name: str, *, modality: str | None = None, body_region: str | None = None
    ) -> str:
        """Find a label by any of its names; an ambiguous name by what is known of the image.

        Case, separators, plural, British or American spelling and a side behind the name do not
        matter. A name listed under ``ambiguous`` in the label file has the one meaning that
        modality and region leave. It is never guessed.

        Args:
            name: Any name of a label.
            modality: Modality of the image, by any of its names; None if not known.
            body_region: What the image shows, in words; None if not known. Words that the
                ontology does not know count as not known.

        Returns:
            The label id.

        Raises:
            ValueError: If no label goes by that name, if it names a class or says no side, or if
                it is ambiguous and modality and region do not decide. The message lists the
                labels it may mean.
        """
        modality = None if modality is None else self.parse_modality(modality)
        place = self._places.find(body_region) if body_region else ()
        rule = self._rules.get(fold(name))
        if rule is not None:
            return self._decide(name, rule, modality, place)
        node = self._index.given(name)
        if node in self._labels:
            return node
        found = () if node else self._index.forms(name)
        if len(found) == 1 and found[0] in self._labels:
            return found[0]
        raise self._no_label(name, node or (found[0] if len(found) == 1 else None), found)

    def find(self, name: str) -> str:
        """Find a label, class or region by any of its names.

        Args:
            name: Any name at any level. A name without the side of a sided label leads to the
                class of its two sides.

        Returns:
            The id.

        Raises:
            ValueError: If nothing goes by that name, or things of several regions do.
        """
        node = self._index.given(name)
        if node is not None:
            return node
        rule = self._rules.get(fold(name))
        if rule is not None:
            return self._decide(name, rule, None, ())
        found = self._places.common(self._index.forms(name))
        if not found:
            raise self._no_label(name, None, ())
        return found[0]

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the label ids a name may mean: of a class, both sides, every meaning, or none."""
        rule = self._rules.get(fold(name))
        if rule is not None:
            return tuple(choice.label for choice in rule.choices)
        node = self._index.given(name)
        nodes = self._index.forms(name) if node is None else (node,)
        return tuple(label for node in nodes for label in self._labels_below(node))

    def suggest(self, name: str, n: int = 3) -> tuple[str, ...]:
        """Return labels whose names look like a name: misspelt, in other order or without side.

        Args:
            name: Words.
            n: How many at most.

        Returns:
            Label ids, the nearest first; possibly none.
        """
        return tuple(dict.fromkeys((*self.candidates(name), *self._near_labels(name))))[:n]

    def parse_region(self, words: str) -> str | None:
        """Return the region that words stand for, such as ``colon`` or ``left knee``.

        Args:
            words: A region, anything in it, or what a record says it shows.

        Returns:
            The region id; None if the words are not known or lie in several regions.
        """
        place = self._places.find(words)
        return place[-1] if place else None

    def _decide(self, name: str, rule: Rule, modality: str | None, place: tuple[str, ...]) -> str:
        left = [c.label for c in left_choices(rule, modality, place, self._labels)]
        if len(left) == 1:
            return left[0]
        if rule.otherwise in left:
            return rule.otherwise
        meanings = ', '.join(left or (c.label for c in rule.choices))
        raise ValueError(
            f'{name!r} is ambiguous{_known(modality, place)}: it may be {meanings}; '
            'use one of these names.'
        )

    def _no_label(self, name: str, node: str | None, found: tuple[str, ...]) -> ValueError:
        if node is not None:
            level = self.level(node)
            members = self._labels_below(node)
            more = f' and {len(members) - _LISTED} more' if len(members) > _LISTED else ''
            return ValueError(
                f'{name!r} names a {level}, not a label; use one of its labels: '
                f'{", ".join(members[:_LISTED])}{more}.'
            )
        if found:
            return ValueError(f'{name!r} does not say which; use one of: {", ".join(found)}.')
        return ValueError(
            f'Unknown label {name!r}: {self._origin} has {len(self._labels)} labels and none goes '
            f'by that name.{did_you_mean(self.suggest(name))}'
        )

    def _add_rule(self, name: str, rule: Rule) -> None:
        self._rules[fold(name)] = rule
        if self._index.given(plural_of(name)) is None:
            self._rules[fold(plural_of(name))] = rule


@cache
def _default_ontology() -> Ontology:
    return Ontology.from_yaml(DEFAULT_LABELS)


def _known(modality: str | None, place: tuple[str, ...]) -> str:
    """Say what was known when a name was still ambiguous."""
    known = [*([f'modality {modality}'] if modality else []), *place[:1]]
    return f' in {" of ".join(known)}' if known else ''
