"""Folders that lie beside the package in a checkout, and inside it when it is installed."""

from __future__ import annotations

from pathlib import Path

__all__ = ['installed_folder']

_PACKAGE = Path(__file__).resolve().parent


def installed_folder(name: str, holds: str) -> Path:
    """Return such a folder.

    Args:
        name: Name of the folder, such as ``tools``.
        holds: Name of a file that is in it.

    Raises:
        FileNotFoundError: It is in neither place.
    """
    places = (_PACKAGE / '.mim' / name, _PACKAGE.parent / name)
    for place in places:
        if (place / holds).is_file():
            return place
    raise FileNotFoundError(
        f'{holds} is neither in {places[0]} nor in {places[1]}; install mmdet_medglip again.'
    )
