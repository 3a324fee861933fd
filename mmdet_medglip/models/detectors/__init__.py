"""Detectors."""

from .grounding_dino import MedGroundingDINO
from .medglip import MedGLIP, prompt_of

__all__ = ['MedGLIP', 'MedGroundingDINO', 'prompt_of']
