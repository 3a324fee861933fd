"""What is asked of an image: phrases, and what the words say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text import (
    Mention,
    Prompt,
    parse_phrases,
    parse_prompt,
    parse_report,
    prompt_from_phrases,
)

__all__ = ['Question', 'read_question', 'read_questions']


@dataclass(frozen=True)
class Question:
    """Phrases to find in one image.

    Args:
        prompt: What the model is asked; label ``i`` of an answer means its phrase ``i``.
        negated: For each phrase whether the words say that it is not there. It is asked for
            nevertheless: a box then speaks against the words.
        left_out: ``(words, reason)`` of what a report mentions and an image cannot show.

    Raises:
        ValueError: Not one ``negated`` for each phrase.
    """

    prompt: Prompt
    negated: tuple[bool, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.negated) != len(self.prompt):
            raise ValueError(
                f'Expected one `negated` for each of {len(self.prompt)} phrases, got '
                f'{len(self.negated)}.'
            )

    @property
    def phrases(self) -> tuple[str, ...]:
        """The words that are asked for."""
        return self.prompt.phrases


def read_question(
    prompt: str | Sequence[str] | Prompt | Question,
    *,
    report: bool = False,
    ontology: Ontology | None = None,
) -> Question:
    """Read one prompt.

    Args:
        prompt: A list of phrases; a string in the grammar of
            :func:`~mmdet_medglip.text.parse_prompt` (``'Detect: liver, no effusion'``); a prompt
            that grounds spans of a caption, which is left as it is.
        report: The string is free text or a report: what it says is there and what it says is not
            there are asked for, each once, in the order of the text.
        ontology: Names of findings; the packaged ones if None.

    Returns:
        The question. ``'no effusion'`` asks for ``'effusion'``, negated; a phrase that is both
        said and negated counts as said.

    Raises:
        ValueError: No phrase, nothing in a report that an image can show, or text that is no
            valid Unicode.

    Example:
        >>> question = read_question('Detect: liver, no effusion')
        >>> question.phrases, question.negated
        (('liver', 'effusion'), (False, True))
        >>> read_question('No effusion. A nodule in the left lung.', report=True).phrases
        ('effusion', 'nodule')
    """
    if isinstance(prompt, Question):
        return prompt
    if report:
        if not isinstance(prompt, str):
            raise ValueError(f'A report is a text, got {type(prompt).__name__}.')
        return _of_report(prompt, ontology)
    if isinstance(prompt, Prompt) and not prompt.is_list:
        return Question(prompt, (False,) * len(prompt))
    if isinstance(prompt, str):
        prompt = parse_prompt(prompt)
    elif not isinstance(prompt, Prompt):
        wrong = [one for one in prompt if not isinstance(one, str)]
        if wrong:
            raise ValueError(f'A prompt is a list of phrases, got {wrong[0]!r} in it.')
        prompt = prompt_from_phrases(list(dict.fromkeys(prompt)))
    mentions = parse_phrases(prompt, ontology).mentions
    asked = [
        _asked_for(phrase, mention, ontology)
        for phrase, mention in zip(prompt.phrases, mentions, strict=True)
    ]
    return _question(asked)


def read_questions(
    prompt: object, num_inputs: int, *, report: bool = False, ontology: Ontology | None = None
) -> Question | tuple[Question, ...]:
    """Read one prompt for all inputs, or one for each.

    Args:
        prompt: As for :func:`read_question`, for all inputs; or a list with one prompt for each
            input: a list that holds anything but strings, or with ``report`` a list of texts.
        num_inputs: How many inputs there are.
        report: Texts are reports.
        ontology: Names of findings.

    Returns:
        One question, or one for each input.

    Raises:
        ValueError: Another number of prompts than of inputs, and as in :func:`read_question`,
            with the number of the prompt.
    """
    if isinstance(prompt, str | Prompt | Question):
        return read_question(prompt, report=report, ontology=ontology)
    if not isinstance(prompt, Sequence):
        raise ValueError(
            f'A prompt is a string or a list, got {type(prompt).__name__}; for example '
            "'Detect: liver, spleen'."
        )
    if not report and all(isinstance(one, str) for one in prompt):
        return read_question(prompt, ontology=ontology)
    if len(prompt) != num_inputs:
        raise ValueError(
            f'Got {len(prompt)} prompts for {num_inputs} inputs; give one for all, or one for each.'
        )
    found = []
    for number, one in enumerate(prompt):
        try:
            found.append(read_question(one, report=report, ontology=ontology))
        except ValueError as error:
            raise ValueError(f'Prompt {number}: {error}') from None
    return tuple(found)


def _question(
    asked: Sequence[tuple[str, bool]], left_out: Sequence[tuple[str, str]] = ()
) -> Question:
    """Make a question of pairs (words, negated), equal words once."""
    negated: dict[str, bool] = {}
    words: dict[str, str] = {}
    for text, is_negated in asked:
        key = ' '.join(text.casefold().split())
        words.setdefault(key, text)
        negated[key] = negated.get(key, True) and is_negated
    prompt = prompt_from_phrases(list(words.values()))
    return Question(prompt, tuple(negated.values()), tuple(dict.fromkeys(left_out)))


def _of_report(text: str, ontology: Ontology | None) -> Question:
    parsed = parse_report(text, ontology)
    asked = [(m.text, m.status == 'negated') for m in parsed.mentions if _can_be_shown(m)]
    left_out = [
        (m.text, m.reason or 'nothing to show') for m in parsed.mentions if not _can_be_shown(m)
    ]
    if not asked:
        raise ValueError(
            f'Nothing to look for in {text[:80]!r}: expected a finding, device or structure that '
            "the text says is there or is not; list phrases instead, such as 'Detect: nodule'."
        )
    return _question(asked, left_out)


def _can_be_shown(mention: Mention) -> bool:
    return mention.status != 'not_groundable' and mention.kind != 'other'


def _asked_for(phrase: str, mention: Mention, ontology: Ontology | None) -> tuple[str, bool]:
    """Words to ask for, and whether the phrase negates them."""
    if mention.status != 'negated':
        return phrase, False
    # Read as a sentence, a noun phrase keeps its side and attributes without the negation.
    found = parse_report(phrase, ontology).of_status('negated')
    if len(found) == 1:
        return found[0].text, True
    start, end = mention.head
    shift = mention.span[0]
    return phrase[start - shift : end - shift], True
