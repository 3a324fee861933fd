"""A trained model as one folder that others can load without trusting it."""

from .contents import Contents
from .packed_model import PackedModel, is_packed

__all__ = ['Contents', 'PackedModel', 'is_packed']
