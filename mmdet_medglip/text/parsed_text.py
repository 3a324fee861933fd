"""A text and what it mentions."""

from dataclasses import dataclass, replace

from .mention import Mention, Status
from .prompt import Prompt, Span, prompt_from_caption

__all__ = ['ParsedText']


@dataclass(frozen=True)
class ParsedText:
    """A text and what it mentions, in the order of the text.

    Args:
        text: The text, unchanged.
        mentions: What it mentions; possibly nothing.
        sentences: Spans of its sentences, ``[start, end)`` in characters.
    """

    text: str
    mentions: tuple[Mention, ...]
    sentences: tuple[Span, ...]

    def of_status(self, status: Status) -> tuple[Mention, ...]:
        """Return the mentions of one status, in order; possibly none."""
        return tuple(mention for mention in self.mentions if mention.status == status)

    def to_prompt(self) -> Prompt:
        """Ask for what can be grounded.

        Returns:
            The prompt: the text as its caption, a phrase for each groundable mention.

        Raises:
            ValueError: If nothing in the text can be grounded.

        Example:
            >>> from mmdet_medglip.text import parse_report
            >>> parse_report('No effusion. Small nodule in the left lung.').to_prompt().phrases
            ('Small nodule',)
        """
        asked = self.of_status('groundable')
        if not asked:
            raise ValueError(
                f'Nothing to ground in {self.text[:80]!r}: expected a finding, device or structure '
                f'that the text says is there, got {len(self.of_status("negated"))} negated and '
                f'{len(self.of_status("not_groundable"))} not groundable mentions; list the '
                "phrases to ask for instead, such as 'Detect: pneumonia, nodule'."
            )
        return prompt_from_caption(self.text, [[mention.span] for mention in asked])

    def split(self) -> tuple['ParsedText', ...]:
        """Return each sentence as a text of its own, so that long texts fit a token limit."""
        parts = []
        mentions = iter(self.mentions)
        mention = next(mentions, None)
        for start, end in self.sentences:
            inside = []
            while mention is not None and mention.span[0] < end:
                inside.append(_moved(mention, start))
                mention = next(mentions, None)
            parts.append(ParsedText(self.text[start:end], tuple(inside), ((0, end - start),)))
        return tuple(parts)


def _moved(mention: Mention, by: int) -> Mention:
    return replace(
        mention,
        span=_shift(mention.span, by),
        head=_shift(mention.head, by),
        locations=tuple(_shift(span, by) for span in mention.locations),
        attributes=tuple(replace(a, span=_shift(a.span, by)) for a in mention.attributes),
    )


def _shift(span: Span, by: int) -> Span:
    return span[0] - by, span[1] - by
