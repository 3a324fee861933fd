"""The labels a data set can ask for, and which of them apply to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmdet_medglip.routing import AUTO, UNROUTED

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
        position: Label id to its index in ``ids``.

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
    position: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _by_modality: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.names):
            raise ValueError(
                f'Vocabulary has {len(self.ids)} label ids but {len(self.names)} names: give one '
                'display name for each label id.'
            )
        object.__setattr__(self, 'position', {label: i for i, label in enumerate(self.ids)})
        by_modality: dict[str, set[int]] = {}
        for (modality, _), labels in self.usage.items():
            by_modality.setdefault(modality, set()).update(labels)
        order = {name: tuple(sorted(labels)) for name, labels in sorted(by_modality.items())}
        object.__setattr__(self, '_by_modality', order)

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

    def __deepcopy__(self, memo: dict[int, Any]) -> Vocabulary:
        return self
