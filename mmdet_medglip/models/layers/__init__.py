"""Layers of the language-fused neck."""

from .bi_attention import BiAttention
from .dynamic_conv import DynamicPyramidConv, DynamicReLU

__all__ = ['BiAttention', 'DynamicPyramidConv', 'DynamicReLU']
