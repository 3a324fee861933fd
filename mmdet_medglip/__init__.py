"""MMDetection plugin for medical phrase grounding."""

from typing import Any

from mmdet_medglip.compatibility import check_versions
from mmdet_medglip.version import __version__

__all__ = ['__version__', 'accelerate', 'restore']

check_versions()


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for: ``accelerate`` and ``restore``."""
    if name in ('accelerate', 'restore'):
        from mmdet_medglip import acceleration

        return getattr(acceleration, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
