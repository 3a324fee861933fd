"""Necks."""

from .language_fused_fpn import FusionBlock, LanguageFusedFPN

__all__ = ['FusionBlock', 'LanguageFusedFPN']
