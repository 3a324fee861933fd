"""The optional library that writes DICOM objects."""

from __future__ import annotations

from types import ModuleType

__all__ = ['import_highdicom']


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
