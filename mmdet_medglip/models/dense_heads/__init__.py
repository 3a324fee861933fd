"""Dense heads."""

from .med_grounding_head import MedGroundingHead

__all__ = ['MedGroundingHead']
