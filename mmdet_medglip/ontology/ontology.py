"""The ontology: which modalities and labels exist, and every name each goes by."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

__all__ = ['BoxPolicy', 'LabelInfo', 'Ontology']

BoxPolicy = Literal['single', 'components']
_BOX_POLICIES = ('single', 'components')
_FORMAT = 1
_LABELS_YAML = Path(__file__).with_name('labels.yaml')
_SEPARATORS = re.compile(r'[\s_\-]+')


def _key(name: str) -> str:
    """Fold case and the separators space, underscore and hyphen."""
    return _SEPARATORS.sub(' ', name.strip().casefold())


def _suggestion(name: str, candidates: Mapping[str, str]) -> str:
    """Say which known names look like ``name``; empty if none does."""
    close = difflib.get_close_matches(_key(name), candidates, n=5, cutoff=0.6)
    ids = list(dict.fromkeys(candidates[key] for key in close))[:3]
    return f' Did you mean {" or ".join(repr(i) for i in ids)}?' if ids else ''


@dataclass(frozen=True)
class LabelInfo:
    """What the ontology knows of one label.

    Args:
        id: Identifier, as stored with a box.
        name: Natural words, as said in a prompt.
        synonyms: Other names, none of which names another label.
        parent_class: Class the label belongs to.
        region: Region the class belongs to.
        modalities: Modalities in which the label is asked for, in the ontology's order.
        is_lesion: Whether it is a finding rather than anatomy or a device.
        box_policy: ``single``: one box around all pixels; ``components``: one per component.
    """

    id: str
    name: str
    synonyms: tuple[str, ...]
    parent_class: str
    region: str
    modalities: tuple[str, ...]
    is_lesion: bool
    box_policy: BoxPolicy


class Ontology:
    """Modalities and labels, found by any of their names.

    Build it with :meth:`default` or :meth:`from_yaml`. It never changes after that.

    Args:
        data: The content of a label file; ``labels.yaml`` documents the layout.
        origin: What error messages call the source of ``data``.

    Raises:
        ValueError: If ``data`` has another layout, or one name stands for two things.

    Example:
        >>> ontology = Ontology.default()
        >>> ontology.parse_label('Left Kidney')
        'kidney_left'
        >>> ontology.parse_modality('CR')
        'xray'
    """

    def __init__(self, data: Mapping[str, Any], origin: str = 'ontology') -> None:
        if not isinstance(data, Mapping) or data.get('format') != _FORMAT:
            found = data.get('format') if isinstance(data, Mapping) else type(data).__name__
            raise ValueError(
                f"{origin}: 'format' must be {_FORMAT}, got {found!r}; "
                'use a label file written for this version of mmdet_medglip.'
            )
        self._origin = origin
        self._modality_names: dict[str, str] = {}
        self._modality_keys: dict[str, str] = {}
        self._labels: dict[str, LabelInfo] = {}
        self._label_keys: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        for modality, entry in data.get('modalities', {}).items():
            self._modality_names[modality] = entry['name']
            for name in (modality, entry['name'], *entry.get('aliases', ())):
                self._claim(self._modality_keys, name, modality)
        for region, region_entry in data.get('regions', {}).items():
            for class_id, class_entry in region_entry['classes'].items():
                self._add_class(region, class_id, class_entry)

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
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f'Label file {path} does not exist; pass an existing YAML file.'
            )
        try:
            data = yaml.safe_load(path.read_text(encoding='utf-8'))
        except yaml.YAMLError as error:
            raise ValueError(f'Label file {path} is not valid YAML: {error}') from error
        return cls(data, origin=str(path))

    @classmethod
    def default(cls) -> 'Ontology':
        """Return the packaged ontology; read once per process."""
        return _default_ontology()

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality ids, in the file's order."""
        return tuple(self._modality_names)

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
        modality = self._modality_keys.get(_key(name))
        if modality is None:
            raise ValueError(
                f'Unknown modality {name!r}; known are {", ".join(self.modalities)}.'
                f'{_suggestion(name, self._modality_keys)}'
            )
        return modality

    def parse_label(self, name: str) -> str:
        """Find a label by id, name or synonym; case, spaces, ``_`` and ``-`` do not matter.

        Args:
            name: Any name of a label.

        Returns:
            The label id.

        Raises:
            ValueError: If no label goes by that name, or it names a class of several labels.
        """
        key = _key(name)
        label = self._label_keys.get(key)
        if label is not None:
            return label
        class_id = self._classes.get(key)
        if class_id is not None:
            members = [i for i, info in self._labels.items() if info.parent_class == class_id]
            raise ValueError(
                f'{name!r} names a class, not a label; use one of its labels: {", ".join(members)}.'
            )
        raise ValueError(
            f'Unknown label {name!r}: {self._origin} has {len(self._labels)} labels and none goes '
            f'by that name.{_suggestion(name, self._label_keys)}'
        )

    def info(self, label: str) -> LabelInfo:
        """Return all the ontology knows of a label id.

        Raises:
            ValueError: If ``label`` is not an id of this ontology.
        """
        try:
            return self._labels[label]
        except KeyError:
            raise ValueError(
                f'Unknown label id {label!r} in {self._origin}; parse_label() turns names into '
                f'ids.{_suggestion(str(label), self._label_keys)}'
            ) from None

    def display_name(self, label: str) -> str:
        """Return the natural words of a label id."""
        return self.info(label).name

    def synonyms(self, label: str) -> tuple[str, ...]:
        """Return the other names of a label id, possibly none."""
        return self.info(label).synonyms

    def parent_class(self, label: str) -> str:
        """Return the class of a label id."""
        return self.info(label).parent_class

    def region(self, label: str) -> str:
        """Return the region of a label id."""
        return self.info(label).region

    def is_lesion(self, label: str) -> bool:
        """Tell whether a label id is a finding."""
        return self.info(label).is_lesion

    def box_policy(self, label: str) -> BoxPolicy:
        """Tell how boxes are made from a mask of a label id."""
        return self.info(label).box_policy

    def labels_of(self, modality: str) -> tuple[str, ...]:
        """Return the label ids asked for in a modality, in the file's order."""
        modality = self.parse_modality(modality)
        return tuple(i for i, info in self._labels.items() if modality in info.modalities)

    def _claim(self, keys: dict[str, str], name: str, owner: str) -> None:
        other = keys.setdefault(_key(str(name)), owner)
        if other != owner:
            raise ValueError(
                f'{self._origin}: {name!r} names both {other!r} and {owner!r}; '
                'remove it from one of them.'
            )

    def _add_class(self, region: str, class_id: str, entry: Mapping[str, Any]) -> None:
        self._claim(self._classes, class_id, class_id)
        for label, own in entry['labels'].items():
            if label in self._labels:
                raise ValueError(f'{self._origin}: label {label!r} is defined twice.')
            merged = {**entry, **own}
            lesion = bool(merged.get('lesion', False))
            policy = merged.get('box', 'components' if lesion else 'single')
            if policy not in _BOX_POLICIES:
                raise ValueError(
                    f"{self._origin}: 'box' of {label!r} must be one of {_BOX_POLICIES}, "
                    f'got {policy!r}.'
                )
            self._labels[label] = LabelInfo(
                id=label,
                name=own['name'],
                synonyms=tuple(own.get('synonyms', ())),
                parent_class=class_id,
                region=region,
                modalities=tuple(self.parse_modality(m) for m in merged['modalities']),
                is_lesion=lesion,
                box_policy=policy,
            )
            for name in (label, own['name'], *own.get('synonyms', ())):
                self._claim(self._label_keys, name, label)


@cache
def _default_ontology() -> Ontology:
    return Ontology.from_yaml(_LABELS_YAML)
