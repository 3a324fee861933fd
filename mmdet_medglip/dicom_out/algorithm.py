"""What found it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mmdet_medglip.version import __version__

__all__ = ['Algorithm']

_LONGEST = 64


@dataclass(frozen=True)
class Algorithm:
    """The program and model that found something.

    Attributes:
        model: Name of the model, such as that of its config; no path, as it is written.
        name: Name of the program.
        version: Its version.
        weights: Name or digest of the weights; may be empty.

    Raises:
        ValueError: A value is longer than DICOM's 64 characters, or the model has no name.
    """

    model: str
    name: str = 'mmdet-medglip'
    version: str = __version__
    weights: str = ''

    def __post_init__(self) -> None:
        """Check the lengths."""
        for field in ('model', 'name', 'version', 'weights'):
            value = getattr(self, field)
            if len(value) > _LONGEST or not (value.strip() or field == 'weights'):
                raise ValueError(f'{field} must have 1 to {_LONGEST} characters, got {value!r}.')
            if any(mark in value for mark in '/\\'):
                raise ValueError(f'{field} must be a name, not a path, got {value!r}.')

    @property
    def uid(self) -> str:
        """UID that is the same for the same program, version, model and weights."""
        told = '\0'.join((self.name, self.version, self.model, self.weights))
        digest = hashlib.sha256(told.encode()).digest()
        return f'2.25.{int.from_bytes(digest[:16], "big")}'
