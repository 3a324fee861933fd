"""Dense heads."""

from .med_grounding_head import MedGroundingHead
from .presence_head import PresenceHead

__all__ = ['MedGroundingHead', 'PresenceHead']
