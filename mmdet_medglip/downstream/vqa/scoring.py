"""Whether an answer is right: LLaVA-Med's rules, and exact match.

The rules are those of ``evaluate`` in ``llava/eval/run_eval.py`` and of ``calculate_f1score`` in
``llava/eval/eval_metrics/evaluate_metrics.py`` of microsoft/LLaVA-Med at b9a98a7, read and written
anew. Until that commit a closed answer with yes or no that was wrong was not counted at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .normalisation import normalise, words_of

__all__ = ['OpenScore', 'closed_hit', 'exact_match', 'open_score']


@dataclass(frozen=True)
class OpenScore:
    """How an open answer overlaps the true one, each in [0, 1].

    Attributes:
        recall: Share of the true answer's words that were said; LLaVA-Med's figure of open
            questions.
        precision: Share of the words said that are of the true answer.
        f1: Harmonic mean of both.
    """

    recall: float
    precision: float
    f1: float


def closed_hit(prediction: str, truth: str) -> bool:
    """Judge a closed answer by LLaVA-Med's rule.

    It is right if its normalised text has the letters ``yes`` or ``no`` in it, and those of the
    normalised true answer. Letters, not words: 'normal' has ``no`` in it, and 'yes and no' is right
    whatever the truth is. Where the truth is neither yes nor no ('left'), the answer 'left' is
    wrong, as it has neither.

    Example:
        >>> closed_hit('Yes, it is.', 'yes'), closed_hit('It is normal.', 'no')
        (True, True)
    """
    said, true = normalise(prediction.lower()), normalise(truth.lower())
    return ('yes' in said or 'no' in said) and true in said


def open_score(prediction: str, truth: str) -> OpenScore:
    """Judge an open answer by LLaVA-Med's count of words.

    A word of both counts as often as the prediction says it, a word of the truth alone as often as
    the truth says it; recall is the first by the sum of both. All is 0 if either has no words.

    Example:
        >>> open_score('the left lung', 'left lower lung').recall.__round__(3)
        0.667
    """
    said, true = Counter(words_of(prediction)), Counter(words_of(truth))
    common = sum(count for word, count in said.items() if word in true)
    if not common:
        return OpenScore(0.0, 0.0, 0.0)
    missed = sum(count for word, count in true.items() if word not in said)
    recall, precision = common / (common + missed), common / said.total()
    return OpenScore(recall, precision, 2 * precision * recall / (precision + recall))


def exact_match(prediction: str, truth: str) -> bool:
    """Judge an answer of either kind: its normalised text is that of the true answer.

    LLaVA-Med prints a figure of that name too, which is a share of words and not used here.

    Example:
        >>> exact_match('The Left lung.', 'left lung'), exact_match('normal', 'no')
        (True, False)
    """
    return normalise(prediction.lower()) == normalise(truth.lower())
