"""Backbones."""

from .modality_router import ModalityRouter

__all__ = ['ModalityRouter']
