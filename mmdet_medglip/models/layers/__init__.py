"""Layers of the language-fused neck."""

from .bi_attention import BiAttention, attend_both_ways
from .deform_conv import DeformConv2d, modulated_deform_conv2d
from .dynamic_conv import DynamicPyramidConv, DynamicReLU
from .pixel_rows import maps_from_rows, rows_from_maps
from .pyramid_deform_conv import pyramid_deform_conv
from .sampled_attention import sampled_attention

__all__ = [
    'BiAttention',
    'DeformConv2d',
    'DynamicPyramidConv',
    'DynamicReLU',
    'attend_both_ways',
    'maps_from_rows',
    'modulated_deform_conv2d',
    'pyramid_deform_conv',
    'rows_from_maps',
    'sampled_attention',
]
