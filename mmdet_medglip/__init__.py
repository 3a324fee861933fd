"""MMDetection plugin for medical phrase grounding."""

from mmdet_medglip.compatibility import check_versions
from mmdet_medglip.version import __version__

__all__ = ['__version__']

check_versions()
