"""Layers of the language-fused neck."""

from .bi_attention import BiAttention, attend_both_ways
from .deform_conv import DeformConv2d, modulated_deform_conv2d
from .dynamic_conv import DynamicPyramidConv, DynamicReLU
from .pyramid_deform_conv import pyramid_deform_conv
from .sampled_attention import sampled_attention

__all__ = [
    'BiAttention',
    'DeformConv2d',
    'DynamicPyramidConv',
    'DynamicReLU',
    'attend_both_ways',
    'modulated_deform_conv2d',
    'pyramid_deform_conv',
    'sampled_attention',
]
