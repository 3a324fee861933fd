"""What is known by id: modalities, labels, and the classes and regions above them."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from .entries import Attributes, BoxPolicy, GroupInfo, LabelInfo, Level
from .index import NameIndex
from .loading import Content
from .names import Side, fold, swap_sides

__all__ = ['Hierarchy', 'did_you_mean']


class Hierarchy:
    """Modalities, and labels below classes below regions, by id.

    Args:
        content: What a label file says.
        origin: What error messages call the label file.

    Raises:
        ValueError: If one name stands for two things.
    """

    def __init__(self, content: Content, origin: str) -> None:
        self._origin = origin
        self._groups = content.groups
        self._labels = content.labels
        self._attributes = content.attributes
        self._look_alikes: dict[str, tuple[str, ...]] = {}
        self._modalities = tuple(content.modalities)
        self._modality_keys: dict[str, str] = {}
        for modality, names in content.modalities.items():
            for name in names:
                self._claim_modality(name, modality)
        ambiguous = {n: rule.otherwise for rule in content.rules for n in rule.names}
        self._index = NameIndex(origin, self._labels.values(), self._groups.values(), ambiguous)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality ids, in the file's order."""
        return self._modalities

    @property
    def regions(self) -> tuple[str, ...]:
        """Region ids, in the file's order."""
        return tuple(i for i, group in self._groups.items() if group.level == 'region')

    @property
    def classes(self) -> tuple[str, ...]:
        """Class ids, in the file's order."""
        return tuple(i for i, group in self._groups.items() if group.level == 'class')

    @property
    def labels(self) -> tuple[str, ...]:
        """Label ids, in the file's order."""
        return tuple(self._labels)

    def parse_modality(self, name: str) -> str:
        """Find a modality by id, name or alias (DICOM codes among them), case-insensitively.

        Args:
            name: Any name of a modality.

        Returns:
            The modality id.

        Raises:
            ValueError: If no modality goes by that name.
        """
        modality = self._modality_keys.get(fold(name))
        if modality is None:
            raise ValueError(
                f'Unknown modality {name!r}; known are {", ".join(self.modalities)}.'
                f'{did_you_mean(_near_keys(name, self._modality_keys))}'
            )
        return modality

    def level(self, node: str) -> Level:
        """Tell whether an id is that of a region, a class or a label."""
        return 'label' if node in self._labels else self.group(node).level

    def children(self, node: str) -> tuple[str, ...]:
        """Return the ids one level below an id; none below a label."""
        return () if node in self._labels else self.group(node).children

    def ancestors(self, node: str) -> tuple[str, ...]:
        """Return the ids above an id, nearest first: class and region of a label."""
        if node in self._labels:
            info = self._labels[node]
            return (info.parent_class, info.region)
        parent = self.group(node).parent
        return () if parent is None else (parent,)

    def grouped(self, nodes: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the classes and regions above some ids, in the file's order, with those of them.

        Example:
            >>> from mmdet_medglip.ontology import Ontology
            >>> Ontology.default().grouped(['kidney_left', 'liver'])['abdomen']
            ('kidney_left', 'liver')
        """
        above = {node: self.ancestors(node) for node in nodes}
        found = {
            group: tuple(node for node in nodes if group in above[node])
            for group in (*self.classes, *self.regions)
        }
        return {group: members for group, members in found.items() if members}

    def info(self, label: str) -> LabelInfo:
        """Return all the ontology knows of a label id.

        Raises:
            ValueError: If ``label`` is not a label id of this ontology.
        """
        try:
            return self._labels[label]
        except KeyError:
            raise ValueError(
                f'Unknown label id {label!r} in {self._origin}; parse_label() turns names into '
                f'ids.{did_you_mean(self._near_labels(str(label))[:3])}'
            ) from None

    def group(self, node: str) -> GroupInfo:
        """Return all the ontology knows of the id of a class or region.

        Raises:
            ValueError: If ``node`` is not such an id.
        """
        try:
            return self._groups[node]
        except KeyError:
            raise ValueError(
                f'Unknown id {node!r} in {self._origin}; find() turns names into ids.'
                f'{did_you_mean(self._index.near(str(node))[:3])}'
            ) from None

    def display_name(self, node: str) -> str:
        """Return the natural words of an id at any level."""
        return self._groups[node].name if node in self._groups else self.info(node).name

    def synonyms(self, node: str) -> tuple[str, ...]:
        """Return the other names of an id at any level, possibly none."""
        return self._groups[node].synonyms if node in self._groups else self.info(node).synonyms

    def attributes(self, node: str) -> Attributes:
        """Return what an id at any level looks like and where it lies, in words for prompts.

        Each of them is what the label file says of the id itself or else of the nearest id above.

        Raises:
            ValueError: If ``node`` is not an id of this ontology.
        """
        found: dict[str, Any] = {}
        for above in (node, *self.ancestors(node)):
            said = self._attributes.get(above, Attributes())
            found |= {k: words for k, words in vars(said).items() if words and not found.get(k)}
        return Attributes(**found)

    def look_alikes(self, label: str) -> tuple[str, ...]:
        """Return the labels that are easily taken for a label id, in the file's order.

        They are the others of its class, and those of one kind that share a shape or colour with
        it, see :meth:`attributes`.
        """
        if label not in self._look_alikes:
            self._look_alikes[label] = self._alike(self.info(label))
        return self._look_alikes[label]

    def _alike(self, info: LabelInfo) -> tuple[str, ...]:
        own = self.attributes(info.id)
        looks = {*own.shape, *own.colour}

        def alike(other: LabelInfo) -> bool:
            theirs = self.attributes(other.id)
            same_kind = theirs.kind == own.kind
            shared = bool(looks.intersection((*theirs.shape, *theirs.colour)))
            return other.parent_class == info.parent_class or (same_kind and shared)

        return tuple(i for i, other in self._labels.items() if i != info.id and alike(other))

    def parent_class(self, label: str) -> str:
        """Return the class of a label id."""
        return self.info(label).parent_class

    def region(self, label: str) -> str:
        """Return the region of a label id."""
        return self.info(label).region

    def is_lesion(self, label: str) -> bool:
        """Tell whether a label id is a finding."""
        return self.info(label).is_lesion

    def is_device(self, label: str) -> bool:
        """Tell whether a label id is an object brought in, such as a catheter."""
        return self.info(label).is_device

    def box_policy(self, label: str) -> BoxPolicy:
        """Tell how boxes are made from a mask of a label id."""
        return self.info(label).box_policy

    def side(self, label: str) -> Side | None:
        """Return the side of the patient that a label id says; None if it says none."""
        return self.info(label).side

    def opposite(self, label: str) -> str | None:
        """Return the label of the other side; None if there is none."""
        info = self.info(label)
        return self._index.given(swap_sides(info.name)) if info.side else None

    def labels_of(self, modality: str) -> tuple[str, ...]:
        """Return the label ids asked for in a modality, in the file's order."""
        modality = self.parse_modality(modality)
        return tuple(i for i, info in self._labels.items() if modality in info.modalities)

    def _near_labels(self, name: str) -> tuple[str, ...]:
        near = [i for node in self._index.near(name) for i in self._labels_below(node)]
        return tuple(dict.fromkeys(near))

    def _labels_below(self, node: str) -> tuple[str, ...]:
        if node in self._labels:
            return (node,)
        return tuple(i for child in self._groups[node].children for i in self._labels_below(child))

    def _claim_modality(self, name: str, modality: str) -> None:
        other = self._modality_keys.setdefault(fold(name), modality)
        if other != modality:
            raise ValueError(
                f'{self._origin}: {name!r} names both {other!r} and {modality!r}; '
                'remove it from one of them.'
            )


def _near_keys(name: str, keys: Mapping[str, str]) -> list[str]:
    close = get_close_matches(fold(name), keys, n=5, cutoff=0.6)
    return list(dict.fromkeys(keys[key] for key in close))[:3]


def did_you_mean(ids: Sequence[str]) -> str:
    """Return a question that offers ids; empty if there are none."""
    return f' Did you mean {" or ".join(repr(i) for i in ids)}?' if ids else ''
