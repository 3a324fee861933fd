"""Samplers that know modalities."""

from .modality_balanced import ModalityBalancedBatchSampler

__all__ = ['ModalityBalancedBatchSampler']
