"""Use a trained model: images and words in, scored boxes out."""

from .image_view import ImageView
from .inferencer import MedGLIPInferencer
from .model_files import ModelFiles
from .options import AnswerOptions, ReadOptions
from .question import Question, read_question, read_questions
from .result import Failure, FoundBox, GroundingResult, ImageSource, PhraseAnswer

__all__ = [
    'AnswerOptions',
    'Failure',
    'FoundBox',
    'GroundingResult',
    'ImageSource',
    'ImageView',
    'MedGLIPInferencer',
    'ModelFiles',
    'PhraseAnswer',
    'Question',
    'ReadOptions',
    'read_question',
    'read_questions',
]
