"""The optional library that writes DICOM objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from pydicom import Dataset

__all__ = ['import_highdicom', 'refusing_class']


def import_highdicom() -> ModuleType:
    """Import highdicom when it is needed.

    Raises:
        ImportError: It is not installed; says how to install it.
    """
    try:
        import highdicom
        import highdicom.coding_schemes
        import highdicom.pr
        import highdicom.seg
        import highdicom.sr
    except ImportError as error:
        raise ImportError(
            'Writing DICOM objects needs highdicom; run: pip install "highdicom>=0.28,<0.29".'
        ) from error
    return highdicom


@contextmanager
def refusing_class(
    path: Path, header: Dataset, kind: str, advice: str = 'write a report instead'
) -> Iterator[None]:
    """Turn what highdicom stumbles over into a refusal of the image.

    It goes by what the standard says of a class of images, such as functional groups, and takes
    for granted that the header has it.

    Args:
        path: File of an image that the object refers to.
        header: Its header.
        kind: What is written.
        advice: What to do.

    Raises:
        ValueError: Instead of ``TypeError``, ``AttributeError`` or ``KeyError``.
    """
    try:
        yield
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f'{path} is an image of the class {header.SOPClassUID.name}, of which no {kind} can be '
            f'written ({error}); {advice}.'
        ) from error
