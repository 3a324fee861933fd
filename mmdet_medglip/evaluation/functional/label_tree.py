"""Nodes of a hierarchy as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmdet_medglip.ontology import Level, Ontology

__all__ = ['LabelTree']


@dataclass(frozen=True)
class LabelTree:
    """Some labels, then the classes and regions above them.

    Args:
        ids: Ontology id of each of K nodes, all different.
        levels: ``'label'``, ``'class'`` or ``'region'`` of each.
        ancestors: Numbers of the nodes above each, nearest first.

    Example:
        >>> tree = LabelTree.of_labels(Ontology.default(), ['kidney_left', 'liver'])
        >>> tree.ids
        ('kidney_left', 'liver', 'hepatobiliary_organ', 'kidney', 'abdomen')
        >>> tree.ancestors[0]
        (3, 4)
    """

    ids: tuple[str, ...]
    levels: tuple[Level, ...]
    ancestors: tuple[tuple[int, ...], ...]

    @classmethod
    def of_labels(cls, ontology: Ontology, labels: Sequence[str]) -> LabelTree:
        """Number labels in their order, then what lies above them.

        Args:
            ontology: Where the labels are.
            labels: Label ids; other ids are taken likewise.

        Raises:
            ValueError: An id that the ontology does not have.
        """
        ids = tuple(dict.fromkeys((*labels, *ontology.grouped(labels))))
        number = {node: i for i, node in enumerate(ids)}
        return cls(
            ids,
            tuple(ontology.level(node) for node in ids),
            tuple(tuple(number[a] for a in ontology.ancestors(node)) for node in ids),
        )

    @property
    def index(self) -> dict[str, int]:
        """Number of each id."""
        return {node: number for number, node in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)
