"""Data preprocessors."""

from .modality_data_preprocessor import ModalityDataPreprocessor, current_modalities

__all__ = ['ModalityDataPreprocessor', 'current_modalities']
