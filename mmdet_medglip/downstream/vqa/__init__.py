"""Medical visual question answering with and without regions.

Questions come from ``readers``, are asked by ``answer_questions`` of any ``AnswerModel``, and
judged by ``score_answers``. ``hf_model`` asks models of Hugging Face; it needs torch and is
imported from its module.
"""

from .answer import Evidence, VqaAnswer, evidence_of
from .answer_model import AnswerModel, ModelInput, build_prompt
from .question_set import QuestionSet, SkippedQuestion
from .readers import READERS, write_lines
from .record import VqaRecord
from .run import RunSummary, answer_questions, check_run
from .run_options import RunOptions
from .scores import FIGURES, QuestionScore, VqaScores, score_answers
from .scoring import OpenScore, closed_hit, exact_match, open_score
from .stand_in import stand_in_picture

__all__ = [
    'FIGURES',
    'READERS',
    'AnswerModel',
    'Evidence',
    'ModelInput',
    'OpenScore',
    'QuestionScore',
    'QuestionSet',
    'RunOptions',
    'RunSummary',
    'SkippedQuestion',
    'VqaAnswer',
    'VqaRecord',
    'VqaScores',
    'answer_questions',
    'build_prompt',
    'check_run',
    'closed_hit',
    'evidence_of',
    'exact_match',
    'open_score',
    'score_answers',
    'stand_in_picture',
    'write_lines',
]
