"""Prompts: a caption and the phrases to ground in it, with exact character spans.

A span is ``(start, end)`` in characters of the caption, half open. Phrase order is label order:
label ``i`` of a prediction or of a target means ``prompt.phrases[i]``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .json_list import is_json, phrases_of_json

__all__ = [
    'Prompt',
    'Span',
    'check_text',
    'list_spans',
    'parse_prompt',
    'prompt_from_caption',
    'prompt_from_phrases',
]

Span = tuple[int, int]

SEPARATOR = '. '
"""Between two phrases of a list, as GLIP was trained."""
_SHOWN = 80  # characters of a caption in an error


@dataclass(frozen=True)
class Prompt:
    """A caption and its phrases.

    Attributes:
        caption: The text that the language model reads.
        phrases: What each label means, in label order; never empty.
        spans: For each phrase the spans of the caption that name it, at least one.

    Example:
        >>> prompt = prompt_from_phrases(['liver', 'left kidney'])
        >>> prompt.caption
        'liver. left kidney'
        >>> prompt.spans
        (((0, 5),), ((7, 18),))
    """

    caption: str
    phrases: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        if not self.phrases:
            raise ValueError(
                'Empty prompt: expected at least one phrase to ground, such as '
                "'Detect: pneumonia, nodule'."
            )
        if len(self.phrases) != len(self.spans):
            raise ValueError(
                f'Prompt: {len(self.phrases)} phrases but {len(self.spans)} span lists; '
                'expected one list of spans for each phrase.'
            )
        for phrase, spans in zip(self.phrases, self.spans, strict=True):
            _check_spans(phrase, spans, self.caption)

    def __len__(self) -> int:
        return len(self.phrases)

    @property
    def is_list(self) -> bool:
        """Whether it is a list of phrases, as of :func:`prompt_from_phrases`, and no free text."""
        return prompt_from_phrases(self.phrases).caption == self.caption


def _check_spans(phrase: str, spans: Sequence[Span], caption: str) -> None:
    shown = caption[:_SHOWN]
    if not phrase.strip():
        raise ValueError(f'Prompt {shown!r}: phrase {phrase!r} is empty.')
    if not spans:
        raise ValueError(f'Prompt {shown!r}: phrase {phrase[:_SHOWN]!r} has no character span.')
    for start, end in spans:
        if not 0 <= start < end <= len(caption):
            raise ValueError(
                f'Prompt {shown!r}: span [{start}, {end}) of phrase {phrase[:_SHOWN]!r} is outside '
                f'the caption; expected 0 <= start < end <= {len(caption)}.'
            )


def prompt_from_phrases(phrases: Sequence[str]) -> Prompt:
    """Join phrases to a caption the way GLIP's detection data is prompted.

    Args:
        phrases: Phrases in label order; surrounding blanks and full stops are dropped.

    Returns:
        The prompt, its caption ``'a. b. c'``.

    Raises:
        ValueError: No phrase, or one that is blank.
    """
    if isinstance(phrases, str):
        raise ValueError(
            f'Expected a list of phrases, got the string {phrases!r}; use parse_prompt for text.'
        )
    cleaned = tuple(phrase.strip(' .') for phrase in phrases)
    spans, start = [], 0
    for phrase in cleaned:
        spans.append(((start, start + len(phrase)),))
        start += len(phrase) + len(SEPARATOR)
    return Prompt(SEPARATOR.join(cleaned), cleaned, tuple(spans))


def prompt_from_caption(caption: str, spans: Sequence[Sequence[Sequence[int]]]) -> Prompt:
    """Ground spans of a free text, as phrase grounding records do.

    Args:
        caption: The text.
        spans: For each phrase its ``[start, end)`` spans (``tokens_positive``).

    Returns:
        The prompt; a phrase of several spans reads ``'left / right'``.

    Raises:
        ValueError: No phrase, or a span outside the caption.

    Example:
        >>> prompt_from_caption('Nodule in the left lung.', [[[0, 6]], [[14, 23]]]).phrases
        ('Nodule', 'left lung')
    """
    exact = tuple(tuple((int(start), int(end)) for start, end in of_one) for of_one in spans)
    phrases = tuple(
        ' / '.join(caption[max(start, 0) : max(end, 0)] for start, end in of_one)
        for of_one in exact
    )
    return Prompt(caption, phrases, exact)


_LEAD = re.compile(r'\s*(?:detect|find|locate|show)\s*:', flags=re.IGNORECASE)
_BREAK = re.compile(r'[,;\n]|\.(?=\s|$)')
_BLANK = '.' + ''.join(mark for mark in map(chr, range(0x3001)) if mark.isspace())


def parse_prompt(text: str) -> Prompt:
    """Read a list of phrases from text.

    Args:
        text: ``'Detect: a, b, c'``, ``'a . b . c'``, ``'a. b'``, one phrase, or a JSON list of
            strings or of objects with the key ``phrase``. For sentences, see
            :func:`~mmdet_medglip.text.parse_report`.

    Returns:
        The prompt of the listed phrases, in order, repeated ones once.

    Raises:
        ValueError: No phrase is left, the text is no valid Unicode, or it starts like JSON and is
            none or of another layout.

    Example:
        >>> parse_prompt('Detect: pneumonia, nodule, fracture').phrases
        ('pneumonia', 'nodule', 'fracture')
        >>> parse_prompt('optic disc . optic cup .').phrases
        ('optic disc', 'optic cup')
        >>> parse_prompt('["liver", {"phrase": "left kidney"}]').phrases
        ('liver', 'left kidney')
    """
    check_text(text)
    spans = list_spans(text)
    if spans is None:
        phrases = [phrase.strip(_BLANK) for phrase in phrases_of_json(text)]
        check_text(' '.join(phrases))
    else:
        phrases = [text[start:end] for start, end in spans]
    return prompt_from_phrases([phrase for phrase in dict.fromkeys(phrases) if phrase])


def list_spans(text: str) -> list[Span] | None:
    """Say where the phrases of a written list are.

    Args:
        text: See :func:`parse_prompt`.

    Returns:
        The span of each distinct phrase, in characters of the text; None for a JSON list, where
        phrases are not written as they are meant.
    """
    if is_json(text):
        return None
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    bounds = [found.span() for found in _BREAK.finditer(text, start)]
    spans: dict[str, Span] = {}
    for end, following in (*bounds, (len(text), len(text))):
        phrase = text[start:end].strip(_BLANK)
        if phrase and phrase not in spans:
            first = start + len(text[start:end]) - len(text[start:end].lstrip(_BLANK))
            spans[phrase] = (first, first + len(phrase))
        start = following
    return list(spans.values())


def check_text(text: str) -> None:
    """Refuse text that is no Unicode, which no tokenizer takes.

    Raises:
        ValueError: It has lone surrogates.
    """
    try:
        text.encode('utf-8')
    except UnicodeEncodeError as error:
        raise ValueError(
            f'Prompt has a lone surrogate at character {error.start}, which is no text; decode '
            "the source with errors='replace'."
        ) from None
