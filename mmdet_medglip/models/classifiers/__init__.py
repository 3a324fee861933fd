"""Small networks beside the detector."""

from .modality_classifier import ModalityClassifier
from .modality_recognizer import ModalityRecognizer, thumbnails_of

__all__ = ['ModalityClassifier', 'ModalityRecognizer', 'thumbnails_of']
