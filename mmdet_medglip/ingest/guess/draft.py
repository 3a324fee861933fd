"""What a look at a folder gives: the reader, its options, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ['UNKNOWN', 'Draft']

UNKNOWN = '???'
"""Stands for what has to be filled in."""


@dataclass
class Draft:
    """A guess of the layout.

    Args:
        reader: Name of the reader.
        options: Its options.
        why: Comments by option, and under ``reader`` the reason for the reader.
        names: Names of the source that have to be mapped.
        labelled: Mappings of the options whose ``label`` the source does not name, with words
            that may tell it.
        images: Paths of the images, for modality and patients.
        stems: Names of the images, as ``patient_id`` is searched in.
        splits: Folders that stand for ``{split}``, if any.
        modality: Modality that the files themselves tell.
    """

    reader: str
    options: dict[str, Any]
    why: dict[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()
    labelled: Sequence[tuple[dict[str, Any], str]] = ()
    images: Sequence[str] = ()
    stems: Sequence[str] = ()
    splits: Sequence[str] = ()
    modality: str | None = None
