"""What the ontology holds: labels, the groups above them, and rules for ambiguous names."""

from dataclasses import dataclass
from typing import Literal

from .names import Side

__all__ = ['Attributes', 'BoxPolicy', 'Choice', 'Codes', 'GroupInfo', 'LabelInfo', 'Level', 'Rule']

BoxPolicy = Literal['single', 'components']
Level = Literal['region', 'class', 'label']


@dataclass(frozen=True)
class Codes:
    """Codes of a label in public vocabularies; None where none is known for certain.

    Args:
        snomed: SNOMED CT concept of the structure or finding. Where the concept has no side of
            its own, the side of the label is the modifier, as in DICOM segmentations.
        radlex: RadLex identifier, starting with ``RID``.
        totalsegmentator: Class name of TotalSegmentator.
    """

    snomed: str | None = None
    radlex: str | None = None
    totalsegmentator: str | None = None


@dataclass(frozen=True)
class Attributes:
    """What a thing looks like and where it lies, in words for prompts.

    Args:
        kind: One noun for what it is that is not its name, such as ``mass``; empty if not known.
        colour: Words such as ``bright``, as all that follow possibly none.
        shape: Words such as ``round``.
        texture: Words such as ``homogeneous``.
        location: Places, as after "in the".
    """

    kind: str = ''
    colour: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()
    texture: tuple[str, ...] = ()
    location: tuple[str, ...] = ()


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
        is_device: Whether it is an object brought in, say a catheter.
        abbreviations: Short forms, none of which is short for another label.
        plural: The name in the plural.
        side: Side of the patient that the name says; None if it says none.
        codes: Codes in public vocabularies.
    """

    id: str
    name: str
    synonyms: tuple[str, ...]
    parent_class: str
    region: str
    modalities: tuple[str, ...]
    is_lesion: bool
    box_policy: BoxPolicy
    is_device: bool = False
    abbreviations: tuple[str, ...] = ()
    plural: str = ''
    side: Side | None = None
    codes: Codes = Codes()


@dataclass(frozen=True)
class GroupInfo:
    """What the ontology knows of a class or a region.

    Args:
        id: Identifier, which no label and no other group has.
        level: ``class`` or ``region``.
        name: Natural words, as said in a prompt.
        synonyms: Other names, none of which names anything else.
        parent: Region of a class; None for a region.
        children: Ids one level below, in the file's order.
    """

    id: str
    level: Level
    name: str
    synonyms: tuple[str, ...]
    parent: str | None
    children: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """One meaning of an ambiguous name.

    Args:
        label: Label id.
        modalities: Modalities in which the name alone has this meaning; none if the modality
            never decides.
        at: Ids of labels, classes and regions that have this meaning where they are shown.
    """

    label: str
    modalities: tuple[str, ...]
    at: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """How the meaning of ambiguous names is decided.

    Args:
        names: The ambiguous names.
        choices: Their meanings, two or more.
        otherwise: Meaning where the conditions leave it and others; None if that is an error.
    """

    names: tuple[str, ...]
    choices: tuple[Choice, ...]
    otherwise: str | None = None
