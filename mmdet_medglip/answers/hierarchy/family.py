"""Asked phrases, what they name in the ontology, and what lies above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.entries import LabelInfo, Level
from mmdet_medglip.ontology.names import fold, without_side

__all__ = ['LEVELS', 'RIVALRIES', 'Family', 'Rivalry', 'family_of', 'levels_of', 'node_of']

LEVELS: tuple[Level, ...] = ('label', 'class', 'region')
"""From fine to coarse."""

Rivalry = Literal['sides', 'siblings', 'look_alikes']
RIVALRIES: tuple[Rivalry, ...] = get_args(Rivalry)
"""Which phrases cannot both be true of one place: left and right of a thing, all that have the same
parent, or these and the labels that look alike (``Ontology.look_alikes``)."""


@dataclass(frozen=True, eq=False)
class Family:
    """Phrases of a prompt, then the classes and regions above them that the prompt does not name.

    An *entry* is one of these; labels of boxes are indices of entries. Several entries may name
    one node of the ontology (synonyms); the first of them represents it. Words that the ontology
    does not know are entries without relatives.

    Attributes:
        ontology: Where the nodes are.
        phrases: Words of each entry.
        nodes: Ontology id of each entry, None for unknown words.
        num_own: Entries that are phrases of the prompt; they come first.
        num_asked: Entries that the detector was asked for: ``num_own``, or all. Only these are
            expected to have boxes.
    """

    ontology: Ontology
    phrases: tuple[str, ...]
    nodes: tuple[str | None, ...]
    num_own: int
    num_asked: int
    _rivals: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.phrases)

    @cached_property
    def levels(self) -> tuple[Level | None, ...]:
        """Level of each entry, None for unknown words."""
        return tuple(None if node is None else self.ontology.level(node) for node in self.nodes)

    @cached_property
    def depth(self) -> Tensor:
        """int64 (N,): 0 for a label or unknown words, 1 for a class, 2 for a region."""
        return torch.tensor([LEVELS.index(level or 'label') for level in self.levels])

    @cached_property
    def representative(self) -> Tensor:
        """int64 (N,): the first entry of the same node."""
        first: dict[str | int, int] = {}
        keys = [number if node is None else node for number, node in enumerate(self.nodes)]
        return torch.tensor([first.setdefault(key, i) for i, key in enumerate(keys)])

    @cached_property
    def parent(self) -> tuple[int | None, ...]:
        """Entry that represents the node above each entry; None above regions and unknown words."""
        entry = {node: i for i, node in reversed([*enumerate(self.nodes)])}
        above = [() if node is None else self.ontology.ancestors(node) for node in self.nodes]
        return tuple(entry[nodes[0]] if nodes else None for nodes in above)

    @cached_property
    def above(self) -> Tensor:
        """Whether entry ``i`` lies above entry ``j``, bool (N, N)."""
        parent = torch.tensor([-1 if p is None else p for p in self.parent])
        grandparent = torch.where(parent < 0, -1, parent[parent])
        own = self.representative[:, None]
        return (own == parent) | (own == grandparent)

    @cached_property
    def synonyms(self) -> Tensor:
        """Whether two entries are other words for the same node, bool (N, N)."""
        same = self.representative[:, None] == self.representative
        return same & ~torch.eye(len(self), dtype=torch.bool)

    @cached_property
    def siblings(self) -> Tensor:
        """Whether two entries are different nodes with the same parent, bool (N, N)."""
        parent = torch.tensor([-1 if p is None else p for p in self.parent])
        other = self.representative[:, None] != self.representative
        return (parent[:, None] == parent) & (parent >= 0) & other

    def at_level(self, level: Level) -> tuple[int | None, ...]:
        """For each entry the one that it is part of at a level.

        An entry of that level, or of unknown words, is its own; a coarser one has None.

        Raises:
            ValueError: An unknown level.
        """
        if level not in LEVELS:
            raise ValueError(f'level must be one of {LEVELS}, got {level!r}.')
        wanted = LEVELS.index(level)
        found: list[int | None] = []
        for entry, node in enumerate(self.nodes):
            at: int | None = entry
            while at is not None and node is not None and self.depth[at] < wanted:
                at = self.parent[at]
            known = node is not None and at is not None
            found.append(None if known and self.depth[at] > wanted else at)
        return tuple(found)

    def children(self, entry: int) -> list[int]:
        """Entries that represent the nodes one level below an entry of the family."""
        own = self.representative.tolist()
        return [i for i, p in enumerate(self.parent) if p == own[entry] and own[i] == i]

    def rivals(self, kind: Rivalry) -> Tensor:
        """Whether only one of two entries can be true of a place, bool (N, N).

        A thing without a side and its two sides are no rivals, nor are many things (``kidneys``)
        and one of their siblings.

        Args:
            kind: One of :data:`RIVALRIES`.

        Raises:
            ValueError: An unknown kind.
        """
        if kind not in RIVALRIES:
            raise ValueError(f'Rivals are of a kind {RIVALRIES}, got {kind!r}.')
        if kind not in self._rivals:
            self._rivals[kind] = self._find_rivals(kind)
        return self._rivals[kind]

    def _find_rivals(self, kind: Rivalry) -> Tensor:
        ontology, first = self.ontology, self.representative
        entry = {node: i for i, node in reversed([*enumerate(self.nodes)])}
        labels = [node for node in entry if node is not None and ontology.level(node) == 'label']
        found = torch.zeros(len(self), len(self), dtype=torch.bool)
        if kind != 'sides':
            found |= self.siblings
        for node in labels:
            others = [ontology.opposite(node)] if kind == 'sides' else []
            if kind == 'look_alikes':
                others = [*ontology.look_alikes(node)]
            found[entry[node], [entry[other] for other in others if other in entry]] = True
        found |= found.T.clone()
        at = {entry[node]: ontology.info(node) for node in labels}
        for i, j in found.nonzero().tolist():
            if i in at and j in at and _may_hold(at[i], at[j]):
                found[i, j] = found[j, i] = False
        return found[first][:, first]


def _may_hold(info: LabelInfo, other: LabelInfo) -> bool:
    """Whether what a label names may also be named by the other one, by its side or as one of many.

    Example: ``kidneys`` and ``kidney_left``, ``kidney_cyst`` and ``kidney_cyst_left``.
    """
    sided = other.side is not None and info.side is None
    return info.name == info.plural or (sided and without_side(other.name) == fold(info.name))


@lru_cache(maxsize=512)
def family_of(
    phrases: tuple[str, ...],
    ontology: Ontology,
    modality: str | None = None,
    ask_above: bool = False,
) -> Family:
    """Find out how phrases are related.

    Args:
        phrases: Phrases of a prompt, any words.
        ontology: Where they are looked up.
        modality: Decides what ambiguous names mean, where it can.
        ask_above: Whether the detector is asked for what lies above the phrases, too.

    Returns:
        The family; one object for equal arguments.

    Example:
        >>> from mmdet_medglip.ontology import Ontology
        >>> family = family_of(('left kidney', 'ren', 'zebra'), Ontology.default())
        >>> family.phrases, family.levels
        (('left kidney', 'ren', 'zebra', 'abdomen'), ('label', 'class', None, 'region'))
        >>> family.parent
        (1, 3, None, None)
    """
    nodes = [node_of(phrase, ontology, modality) for phrase in phrases]
    above = [a for node in nodes if node is not None for a in ontology.ancestors(node)]
    order = {node: i for i, node in enumerate((*ontology.classes, *ontology.regions))}
    added = sorted(set(above).difference(nodes), key=order.__getitem__)
    words = (*phrases, *(ontology.display_name(node) for node in added))
    return Family(
        ontology=ontology,
        phrases=words,
        nodes=(*nodes, *added),
        num_own=len(phrases),
        num_asked=len(words) if ask_above else len(phrases),
    )


def node_of(phrase: str, ontology: Ontology, modality: str | None = None) -> str | None:
    """Find what a phrase names.

    Args:
        phrase: Any words.
        ontology: Where they are looked up.
        modality: Decides what ambiguous names mean, where it can; one that the ontology does not
            know decides nothing.

    Returns:
        Id of a label, class or region; None if the words are not known or stay ambiguous.
    """
    if not ontology.candidates(phrase):
        return None
    if modality is not None:
        try:
            return ontology.parse_label(phrase, modality=modality)
        except ValueError:
            pass
    try:
        return ontology.find(phrase)
    except ValueError:
        return None


def levels_of(family: Family, labels: Sequence[int]) -> list[str]:
    """Level that each box is answered at; empty for words that the ontology does not know."""
    return [family.levels[label] or '' for label in labels]
