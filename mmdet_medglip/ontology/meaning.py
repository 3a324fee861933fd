"""How the meaning of an ambiguous name is decided, and which region words stand for."""

from collections.abc import Mapping

from .entries import Choice, LabelInfo, Rule
from .hierarchy import Hierarchy
from .index import NameIndex
from .names import fold, without_side

__all__ = ['Places', 'left_choices']

_LONGEST_NAME = 8  # words


def left_choices(
    rule: Rule, modality: str | None, place: tuple[str, ...], labels: Mapping[str, LabelInfo]
) -> tuple[Choice, ...]:
    """Return the meanings that modality and place leave.

    The place goes first: the nearest of label, class and region that a meaning names counts, and
    of these the labels that occur in the modality. If that leaves several, or the place is not
    known, only meanings that the name alone has in the modality are left.

    Args:
        rule: The rule of the name.
        modality: Modality id; None if not known.
        place: Ids of what is shown, nearest first; empty if not known.
        labels: Labels by id.

    Returns:
        The meanings; exactly one if the name is certain.
    """
    left = rule.choices
    if place:
        found = (tuple(c for c in rule.choices if here in c.at) for here in place)
        left = next(filter(None, found), ())
        if modality is not None:
            left = tuple(c for c in left if modality in labels[c.label].modalities)
        if len(left) == 1:
            return left
    return left if modality is None else tuple(c for c in left if modality in c.modalities)


class Places:
    """Words for a part of the body, as records and recipes say them.

    Args:
        index: Names of labels and groups.
        hierarchy: What lies above them.
        parts: Region ids by further words for what lies in the region.
    """

    def __init__(
        self,
        index: NameIndex,
        hierarchy: Hierarchy,
        parts: Mapping[str, str],
    ) -> None:
        self._index = index
        self._hierarchy = hierarchy
        self._parts = {fold(word): region for word, region in parts.items()}

    def chain(self, node: str) -> tuple[str, ...]:
        """Return an id and those above it, nearest first."""
        return (node, *self._hierarchy.ancestors(node))

    def common(self, nodes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids that are above, or are, all of some ids, nearest first."""
        chains = [self.chain(node) for node in nodes]
        return tuple(i for i in chains[0] if all(i in c for c in chains)) if chains else ()

    def find(self, words: str) -> tuple[str, ...]:
        """Return what words stand for and those above it, nearest first; empty if unknown.

        Of several words that are not one name, the longest runs that are names count, if they
        lie in one region.
        """
        parts = (without_side(words) or fold(words)).split()
        for length in range(min(len(parts), _LONGEST_NAME), 0, -1):
            runs = (' '.join(parts[i : i + length]) for i in range(len(parts) - length + 1))
            found = [place for run in runs if (place := self._place(run))]
            if found:
                same = tuple(i for i in found[0] if all(i in other for other in found))
                return same
        return ()

    def _place(self, name: str) -> tuple[str, ...]:
        given = self._index.given(name)
        if given is not None:
            return self.chain(given)
        region = self._parts.get(name)
        return (region,) if region else self.common(self._index.forms(name))
