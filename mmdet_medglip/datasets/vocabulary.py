"""The labels a data set can ask for, and which of them apply to a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmdet_medglip.ontology import Level, Ontology
from mmdet_medglip.routing import AUTO, UNROUTED

from .label_groups import complete_groups

__all__ = ['SCOPES', 'Vocabulary']

SCOPES = ('source', 'modality', 'all', 'present')
"""Which labels an image is asked for; see :meth:`Vocabulary.scope`."""


@dataclass(frozen=True)
class Vocabulary:
    """Label ids in a fixed order, with their display names and where they are annotated.

    It travels by reference in every record, so it is immutable and its deep copy is itself: a
    data set of a million records holds one vocabulary.

    Attributes:
        ids: Label ids; a record's ``bbox_label`` of an OD record indexes this tuple.
        names: Display name of each label, the phrase a prompt uses.
        usage: ``(modality, source)`` to the sorted indices of the labels annotated there; labels
            of images whose modality is ``'auto'`` count for all modalities.
        ontology: Where the ids are; what they may be called is read from it.
        groups: Class or region id to the sorted indices of its labels.
        complete: ``(modality, source)`` to the groups that are annotated there, see
            :func:`~mmdet_medglip.datasets.label_groups.complete_groups`.
        level_of: Id of a finer label to the id in ``ids`` that it counts as.
        position: Id to its index in ``ids``, for finer labels too.

    Example:
        >>> vocabulary = Vocabulary(('liver', 'kidney_left', 'polyp'),
        ...                         ('liver', 'left kidney', 'polyp'),
        ...                         {('ct', 'a'): (0, 1), ('endoscopy', 'b'): (2,)})
        >>> vocabulary.scope('modality', modality='ct', source='a')
        (0, 1)
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    usage: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    ontology: Ontology = field(default_factory=Ontology.default, repr=False, compare=False)
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    complete: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, repr=False)
    level_of: Mapping[str, str] = field(default_factory=dict, repr=False)
    position: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _by_modality: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    _foreign: dict[tuple[str, str], tuple[int, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.names):
            raise ValueError(
                f'Vocabulary has {len(self.ids)} label ids but {len(self.names)} names: give one '
                'display name for each label id.'
            )
        position = {label: i for i, label in enumerate(self.ids)}
        position |= {label: position[group] for label, group in self.level_of.items()}
        object.__setattr__(self, 'position', position)
        by_modality: dict[str, set[int]] = {}
        for (modality, _), labels in self.usage.items():
            by_modality.setdefault(modality, set()).update(labels)
        order = {name: tuple(sorted(labels)) for name, labels in sorted(by_modality.items())}
        object.__setattr__(self, '_by_modality', order)

    @classmethod
    def of(
        cls,
        ontology: Ontology,
        labels: Sequence[str],
        usage: Mapping[tuple[str, str], Collection[str]],
        level: Level = 'label',
    ) -> Vocabulary:
        """Make the vocabulary of a data set.

        Args:
            ontology: Where the labels are.
            labels: Label ids that the data set takes.
            usage: Label ids annotated in a modality by a source, with those that are not taken.
            level: What is asked for: labels, or the classes or regions above them.
        """
        groups = ontology.grouped(labels)
        complete = complete_groups(ontology, usage, labels)
        if level == 'label':
            ids, annotated = tuple(labels), usage
        else:
            ids = tuple(group for group in groups if ontology.level(group) == level)
            annotated = complete
        position = {node: i for i, node in enumerate(ids)}
        names = tuple(ontology.display_name(node) for node in ids)
        indices = {
            where: tuple(sorted(position[node] for node in found if node in position))
            for where, found in annotated.items()
        }
        if level == 'label':
            members = {group: tuple(position[i] for i in found) for group, found in groups.items()}
            return cls(ids, names, indices, ontology, members, complete)
        level_of = {label: group for group in ids for label in groups[group]}
        return cls(ids, names, indices, ontology, level_of=level_of)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label ids that the data set takes, whatever the level that is asked for."""
        return tuple(self.level_of) or self.ids

    @property
    def labels_of(self) -> dict[str, tuple[str, ...]]:
        """Modality to the ids of the labels annotated in it, in vocabulary order."""
        return {name: tuple(self.ids[i] for i in rows) for name, rows in self._by_modality.items()}

    def scope(self, scope: str, *, modality: str, source: str) -> tuple[int, ...]:
        """Return the labels that an image may be asked for.

        Args:
            scope: ``'source'``: labels that the image's source annotates in its modality, so that
                no label is asked that nobody looked for; ``'modality'``: labels annotated anywhere
                in its modality; ``'all'``: every label; ``'present'``: none beyond those on the
                image itself.
            modality: The image's modality; ``'unrouted'`` stands for any.
            source: The image's source.

        Returns:
            Sorted indices into ``ids``; empty where nothing is known.

        Raises:
            ValueError: If ``scope`` is not one of ``SCOPES``.
        """
        if scope not in SCOPES:
            raise ValueError(f'scope must be one of {SCOPES}, got {scope!r}.')
        if scope == 'all':
            return tuple(range(len(self.ids)))
        if scope == 'present':
            return ()
        found: set[int] = set()
        for (where, origin), labels in self.usage.items():
            fits = modality == UNROUTED or where in (modality, AUTO)
            if fits and (scope == 'modality' or origin == source):
                found.update(labels)
        return tuple(sorted(found))

    def foreign(self, *, modality: str, source: str) -> tuple[int, ...]:
        """Return labels that cannot be on an image, though its source was not asked for them.

        They are annotated in other modalities only, and lie in another body region than everything
        that the image's source annotates.

        Args:
            modality: The image's modality.
            source: The image's source.

        Returns:
            Sorted indices into ``ids``; empty where the source annotates nothing, or the modality
            is not known.

        Example:
            >>> vocabulary = Vocabulary(('liver', 'kidney_left', 'polyp'),
            ...                         ('liver', 'left kidney', 'polyp'),
            ...                         {('ct', 'a'): (0, 1), ('fundus', 'b'): (2,)})
            >>> vocabulary.foreign(modality='fundus', source='b')
            ()
        """
        where = (modality, source)
        if where not in self._foreign:
            own = {self._region(self.ids[i]) for i in self.usage.get(where, ())}
            near = set(self.scope('modality', modality=modality, source=source))
            self._foreign[where] = tuple(
                i
                for i, node in enumerate(self.ids)
                if own and i not in near and self._region(node) not in own
            )
        return self._foreign[where]

    def _region(self, node: str) -> str:
        return (node, *self.ontology.ancestors(node))[-1]

    def __deepcopy__(self, memo: dict[int, Any]) -> Vocabulary:
        return self
