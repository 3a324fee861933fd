"""A calibration of presence as a JSON file that people can read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec

from mmdet_medglip.store.durable import replace_file

from .presence import PresenceCalibration

__all__ = ['load_presence', 'save_presence']

_FORMAT = 'mmdet_medglip presence 1'
_MOST_BYTES = 64 << 20
_REMEDY = 'write it again with tools/calibrate_presence.py'


@dataclasses.dataclass(frozen=True)
class _File:
    """What the file holds."""

    format: str
    calibration: PresenceCalibration


def save_presence(path: str | Path, calibration: PresenceCalibration) -> None:
    """Write a calibration, as a whole or not at all.

    Args:
        path: A ``.json`` file, replaced if it is there; its folder is made.
        calibration: What to write; numbers come back exactly.

    Raises:
        OSError: The file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dataclasses.asdict(_File(_FORMAT, calibration))
    replace_file(path, (json.dumps(content, indent=2, ensure_ascii=False) + '\n').encode())


def load_presence(path: str | Path) -> PresenceCalibration:
    """Read a file of :func:`save_presence`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such file, or a value in it is missing, of another type or out of
            range; the value is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no calibration of presence at {path}; {_REMEDY.replace(" again", "")}.'
        )
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f'{path} is larger than any calibration of presence; {_REMEDY}.')
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'{path} is no calibration of presence: {error}; {_REMEDY}.') from error
    if found.format != _FORMAT:
        raise ValueError(
            f'{path} has the format {found.format!r}, expected {_FORMAT!r}; {_REMEDY}.'
        )
    return found.calibration
