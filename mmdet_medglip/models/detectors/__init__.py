"""Detectors."""

from .medglip import MedGLIP, prompt_of

__all__ = ['MedGLIP', 'prompt_of']
