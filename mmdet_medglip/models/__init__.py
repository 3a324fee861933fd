"""Models: detector, modality router, language-fused neck, grounding head, language model."""

from .backbones import ModalityRouter
from .classifiers import ModalityClassifier, ModalityRecognizer
from .data_preprocessors import ModalityDataPreprocessor
from .dense_heads import MedGroundingHead
from .detectors import MedGLIP, MedGroundingDINO
from .language_models import TextEncoder, TextFeatures
from .necks import LanguageFusedFPN

__all__ = [
    'LanguageFusedFPN',
    'MedGLIP',
    'MedGroundingDINO',
    'MedGroundingHead',
    'ModalityClassifier',
    'ModalityDataPreprocessor',
    'ModalityRecognizer',
    'ModalityRouter',
    'TextEncoder',
    'TextFeatures',
]
