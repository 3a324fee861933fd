"""What grounded regions are worth to a model: conditions, paired tests, one table and one plot."""

from .answer_source import AnswerSource
from .gain import Gain, compare_conditions
from .item_scores import AnswerScore, FindingCounts, count_findings, score_answer
from .report import gain_chart, gain_table, gains_as_json
from .scored_item import MEASURES, ScoredItem, ratio
from .scoring import read_said, score_said
from .session import collect_answers

__all__ = [
    'MEASURES',
    'AnswerScore',
    'AnswerSource',
    'FindingCounts',
    'Gain',
    'ScoredItem',
    'collect_answers',
    'compare_conditions',
    'count_findings',
    'gain_chart',
    'gain_table',
    'gains_as_json',
    'ratio',
    'read_said',
    'score_answer',
    'score_said',
]
