"""From the names of a source to labels of the ontology, by explicit rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.ontology import BoxPolicy

__all__ = ['LabelMap', 'MappedName']


@dataclass(frozen=True)
class MappedName:
    """What became of a name.

    Args:
        label: Label id; None if the name has none.
        fault: Why it has none, with the nearest known names; empty if it has one, or if the
            recipe drops the name on purpose.
    """

    label: str | None
    fault: str = ''

    @property
    def dropped(self) -> bool:
        """Whether the recipe maps the name to null."""
        return self.label is None and not self.fault


class LabelMap:
    """Map names of one source.

    The rules, first that fits: the recipe's own ``labels``; a label the ontology knows by id,
    name or synonym; an ambiguous name that modality and body region make certain. A name that
    is still ambiguous or unknown has no label: it is never guessed.

    Args:
        labels: Label id, or any name of a label, by name in the source; None drops the name.
        ontology: Known names.
        modality: Modality id, to decide between the meanings of an ambiguous name.
        body_region: Region of the body in words, for the same.
        policies: Box policy by label id, where it is not that of the ontology.

    Raises:
        ValueError: If ``labels`` or ``policies`` name a label that the ontology does not know.
    """

    def __init__(
        self,
        labels: Mapping[str, str | None],
        ontology: Ontology,
        *,
        modality: str,
        body_region: str | None = None,
        policies: Mapping[str, BoxPolicy] | None = None,
    ) -> None:
        self.ontology = ontology
        self.modality = modality
        self.body_region = body_region
        self._labels = {
            str(name): None if label is None else ontology.parse_label(str(label))
            for name, label in labels.items()
        }
        self._policies = {ontology.parse_label(k): v for k, v in (policies or {}).items()}
        self._known: dict[str, MappedName] = {}

    def __call__(self, name: str) -> MappedName:
        """Map one name of the source."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._find(name)
        return found

    def faults(self, names: Iterable[str]) -> dict[str, str]:
        """Return why names have no label, for those that have none unintended."""
        return {name: fault for name in names if (fault := self(name).fault)}

    def box_policy(self, name: str) -> BoxPolicy | None:
        """Return the box policy of the label of a name; None if it has no label."""
        label = self(name).label
        return None if label is None else self.policy_of(label)

    def policy_of(self, label: str) -> BoxPolicy:
        """Return the box policy of a label id."""
        return self._policies.get(label) or self.ontology.box_policy(label)

    def _find(self, name: str) -> MappedName:
        if name in self._labels:
            return MappedName(self._labels[name])
        try:
            label = self.ontology.parse_label(
                name, modality=self.modality, body_region=self.body_region
            )
        except ValueError as error:
            return MappedName(None, str(error))
        return MappedName(label)
