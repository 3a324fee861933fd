"""Balance questions, so that an answer cannot be guessed from the words of the question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .asked_question import AskedQuestion
from .asking import generator_of

__all__ = ['Balanced', 'balance', 'majority_answers']


@dataclass(frozen=True)
class Balanced:
    """Questions that were kept, and why others were not.

    Attributes:
        questions: Kept, in their order.
        left_out: Number of questions by reason.
    """

    questions: tuple[AskedQuestion, ...]
    left_out: dict[str, int]


def balance(questions: Sequence[AskedQuestion], seed: int) -> Balanced:
    """Leave questions out until no answer stands out.

    In each group of one split, source, modality, kind, label and choice no answer is kept more
    often than the second most frequent: yes as often as no, and the two leading open answers alike.
    A group with a single answer goes: it could be answered without looking.

    Args:
        questions: Of any number of images; may be none.
        seed: Which ones go.

    Returns:
        What is kept.
    """
    groups: dict[tuple[str, ...], list[AskedQuestion]] = {}
    for question in questions:
        key: tuple[str, ...] = (
            question.split,
            question.source,
            question.modality,
            question.kind,
            question.label,
            question.choice,
        )
        groups.setdefault(key, []).append(question)
    kept: set[str] = set()
    left_out: Counter[str] = Counter()
    for key, group in groups.items():
        numbers = Counter(question.answer for question in group)
        if len(numbers) < 2:
            left_out['only one answer occurs'] += len(group)
            continue
        limit = numbers.most_common(2)[1][1]
        rng = generator_of(seed, *key)
        taken: Counter[str] = Counter()
        for index in rng.permutation(len(group)):
            question = group[index]
            if taken[question.answer] < limit:
                taken[question.answer] += 1
                kept.add(question.question_id)
            else:
                left_out['answer more frequent than others'] += 1
    chosen = tuple(question for question in questions if question.question_id in kept)
    return Balanced(chosen, dict(left_out))


def majority_answers(questions: Iterable[AskedQuestion]) -> dict[str, str]:
    """Return the most frequent answer to each question, by its words.

    This is the best that a model without eyes can learn. Of equally frequent answers the first by
    the alphabet is taken.
    """
    numbers: dict[str, Counter[str]] = {}
    for question in questions:
        numbers.setdefault(question.question, Counter())[question.answer] += 1
    return {
        words: min(found.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        for words, found in numbers.items()
    }
