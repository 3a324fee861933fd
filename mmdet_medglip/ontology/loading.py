"""From a label file to the entries of the ontology."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .entries import Attributes, BoxPolicy, Choice, Codes, GroupInfo, LabelInfo, Rule
from .layout import Entry
from .names import fold, plural_of, side_of

__all__ = ['Content', 'load_content']

_FORMAT = 1
_BOX_POLICIES: tuple[BoxPolicy, ...] = ('single', 'components')
_SIDES = ('left', 'right')
_SHARED_KEYS = ('modalities', 'lesion', 'device', 'box', 'codes')
_FILE_KEYS = ('format', 'modalities', 'regions', 'attributes', 'ambiguous')
_MODALITY_KEYS = ('name', 'aliases')
_REGION_KEYS = ('name', 'synonyms', 'parts', 'classes')
_CLASS_KEYS = ('name', 'synonyms', 'labels', *_SHARED_KEYS)
_LABEL_KEYS = ('name', 'synonyms', 'abbreviations', 'plural', *_SHARED_KEYS)
_CODE_KEYS = ('snomed', 'radlex', 'totalsegmentator')
_ATTRIBUTE_KEYS = ('kind', 'colour', 'shape', 'texture', 'location')
_RULE_KEYS = ('names', 'choices', 'otherwise')
_CHOICE_KEYS = ('label', 'modalities', 'at')
_CODE_PATTERNS = {'snomed': r'[1-9]\d{5,17}', 'radlex': r'RID\d+', 'totalsegmentator': r'\w+'}


@dataclass
class Content:
    """Everything a label file says.

    Args:
        modalities: Name and aliases by modality id.
        groups: Regions and classes by id.
        labels: Labels by id.
        rules: Rules for ambiguous names.
        parts: Region id by further words for what lies in it.
        attributes: What is said of regions, classes and labels by id, without what is said of
            those above them.
    """

    modalities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: dict[str, GroupInfo] = field(default_factory=dict)
    labels: dict[str, LabelInfo] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Attributes] = field(default_factory=dict, repr=False)


def load_content(data: Any, origin: str) -> Content:
    """Check the layout of a label file and return its content.

    Args:
        data: What the file holds; ``labels.yaml`` documents the layout.
        origin: What errors call the file.

    Returns:
        The content.

    Raises:
        ValueError: If the layout is another one; it names the file and the key.
    """
    if not isinstance(data, Mapping) or data.get('format') != _FORMAT:
        found = data.get('format') if isinstance(data, Mapping) else type(data).__name__
        raise ValueError(
            f"{origin}: 'format' must be {_FORMAT}, got {found!r}; "
            'use a label file written for this version of mmdet_medglip.'
        )
    return _Reader(Entry(data, origin, '', _FILE_KEYS)).content


class _Reader:
    def __init__(self, top: Entry) -> None:
        self.content = Content()
        modalities = top.entry('modalities')
        for modality in modalities.names():
            entry = modalities.entry(modality, _MODALITY_KEYS)
            names = (modality, entry.text('name'), *entry.texts('aliases'))
            self.content.modalities[modality] = names
        regions = top.entry('regions')
        for region in regions.names():
            self._region(region, regions.entry(region, _REGION_KEYS))
        attributes = top.entry('attributes')
        for template in attributes.names():
            self._attributes(template, attributes.entry(template, _ATTRIBUTE_KEYS))
        for entry in top.items('ambiguous', _RULE_KEYS):
            self.content.rules.append(self._rule(entry))

    def _region(self, region: str, entry: Entry) -> None:
        classes = entry.entry('classes')
        self.content.parts.update(dict.fromkeys(entry.texts('parts'), region))
        self._group(region, entry, None, classes.names())
        for class_id in classes.names():
            self._class(class_id, region, classes.entry(class_id, _CLASS_KEYS))

    def _class(self, class_id: str, region: str, entry: Entry) -> None:
        labels = entry.entry('labels')
        found: list[LabelInfo] = []
        for template in labels.names():
            own = labels.entry(template, _LABEL_KEYS)
            sides = _SIDES if '{side}' in template else ('',)
            found += [self._label(template, own, entry, class_id, region, side) for side in sides]
        self._group(class_id, entry, region, tuple(info.id for info in found))
        for info in found:
            if info.id in self.content.labels or info.id in self.content.groups:
                raise labels.error(info.id, 'is an id given twice; give one of them another id')
            self.content.labels[info.id] = info

    def _group(
        self, group: str, entry: Entry, parent: str | None, children: tuple[str, ...]
    ) -> None:
        if group in self.content.groups or group in self.content.labels:
            raise entry.error('', 'is an id given twice; give one of them another id')
        if not children:
            below = 'classes' if parent is None else 'labels'
            raise entry.error(below, 'is empty; give at least one')
        self.content.groups[group] = GroupInfo(
            id=group,
            level='region' if parent is None else 'class',
            name=entry.text('name'),
            synonyms=entry.texts('synonyms'),
            parent=parent,
            children=children,
        )

    def _label(
        self, template: str, own: Entry, shared: Entry, class_id: str, region: str, side: str
    ) -> LabelInfo:
        label = template.replace('{side}', side)
        name = _sided(own.text('name'), side)
        lesion = _holder('lesion', own, shared).flag('lesion', False)
        plural = own.optional('plural')
        return LabelInfo(
            id=label,
            name=name,
            synonyms=tuple(_sided(n, side) for n in own.texts('synonyms')),
            parent_class=class_id,
            region=region,
            modalities=self._modalities(_holder('modalities', own, shared)),
            is_lesion=lesion,
            box_policy=_box_policy(_holder('box', own, shared), lesion),
            is_device=_holder('device', own, shared).flag('device', False),
            abbreviations=tuple(_abbreviation(n, side) for n in own.texts('abbreviations')),
            plural=_sided(plural, side) if plural else plural_of(name),
            side=side_of(name),
            codes=_codes(label, side, own, shared),
        )

    def _modalities(self, entry: Entry) -> tuple[str, ...]:
        given = [self._modality(name, entry) for name in entry.texts('modalities')]
        if not given:
            raise entry.error('modalities', 'is missing; name at least one modality')
        return tuple(m for m in self.content.modalities if m in given)

    def _modality(self, name: str, entry: Entry) -> str:
        for modality, names in self.content.modalities.items():
            if fold(name) in map(fold, names):
                return modality
        known = ', '.join(self.content.modalities)
        raise entry.error('modalities', f'must be of {known}', name)

    def _attributes(self, template: str, entry: Entry) -> None:
        for side in _SIDES if '{side}' in template else ('',):
            node = template.replace('{side}', side)
            if node not in self.content.labels and node not in self.content.groups:
                raise entry.error('', 'must be the id of a label, class or region')
            words = {key: entry.texts(key) for key in _ATTRIBUTE_KEYS[1:]}
            said = Attributes(entry.optional('kind') or '', **words)
            self.content.attributes[node] = said

    def _rule(self, entry: Entry) -> Rule:
        names = entry.texts('names')
        choices = tuple(self._choice(c) for c in entry.items('choices', _CHOICE_KEYS))
        otherwise = entry.optional('otherwise')
        if not names or len(choices) < 2:
            raise entry.error('', 'must have names and at least two choices')
        if otherwise is not None and otherwise not in {c.label for c in choices}:
            raise entry.error('otherwise', 'must be the label of one of the choices', otherwise)
        return Rule(names, choices, otherwise)

    def _choice(self, entry: Entry) -> Choice:
        label = entry.text('label')
        if label not in self.content.labels:
            raise entry.error('label', 'must be the id of a label', label)
        info = self.content.labels[label]
        at = entry.texts('at')
        for place in at:
            if place not in self.content.groups and place not in self.content.labels:
                raise entry.error('at', 'must be ids of labels, classes or regions', place)
        given = entry.texts('modalities')
        modalities = given if 'modalities' in entry else info.modalities
        return Choice(
            label, tuple(self._modality(m, entry) for m in modalities), at or (info.region,)
        )


def _holder(key: str, own: Entry, shared: Entry) -> Entry:
    """Return the label itself where it has the key, else its class."""
    return own if key in own else shared


def _sided(name: str, side: str) -> str:
    """Put the side where the name says so, else in front."""
    if not side:
        return name
    return name.replace('{side}', side) if '{side}' in name else f'{side} {name}'


def _abbreviation(name: str, side: str) -> str:
    return name.replace('{s}', side[:1].upper()).replace('{side}', side)


def _box_policy(entry: Entry, lesion: bool) -> BoxPolicy:
    given = entry.raw('box')
    if given is None:
        return 'components' if lesion else 'single'
    for policy in _BOX_POLICIES:
        if given == policy:
            return policy
    raise entry.error('box', f'must be one of {", ".join(_BOX_POLICIES)}', given)


def _codes(label: str, side: str, own: Entry, shared: Entry) -> Codes:
    found: dict[str, str] = {}
    for key in _CODE_KEYS:
        holder = next((e for e in (own, shared) if key in e.entry('codes', _CODE_KEYS)), None)
        if holder is None:
            continue
        codes = holder.entry('codes')
        value = codes.raw(key)
        if value is None:
            continue
        same = value is True and key == 'totalsegmentator'
        text = label if same else str(value).replace('{side}', side)
        if not re.fullmatch(_CODE_PATTERNS[key], text):
            raise codes.error(key, f'is no code of {key}', value)
        found[key] = text
    return Codes(**found)
