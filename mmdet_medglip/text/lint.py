"""The linter: what is wrong with a prompt, told before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import fold, plural_of

from .lint_remark import Code, LintRemark, Severity
from .mention import Mention
from .parsed_text import ParsedText
from .prompt import Prompt, prompt_from_phrases
from .report import parse_phrases, parse_report
from .tokenization import count_tokens, split_prompt

if TYPE_CHECKING:
    from transformers.tokenization_utils_fast import PreTrainedTokenizerFast

__all__ = ['lint_prompt']

_MOST_SEARCHED = 20
"""Unknown phrases for which near names are looked for: each takes some milliseconds."""
_SHOWN = 60  # characters of a phrase in a message
_LISTED = 6


def lint_prompt(
    prompt: str | Prompt,
    tokenizer: PreTrainedTokenizerFast,
    max_tokens: int = 256,
    *,
    modality: str | None = None,
    vocabulary: Sequence[str] | None = None,
    sentences: bool = False,
    ontology: Ontology | None = None,
) -> tuple[LintRemark, ...]:
    """Say what is wrong with a prompt.

    Args:
        prompt: A prompt, or text. Spans of remarks are in characters of this text; of the caption
            for a prompt or a JSON list.
        tokenizer: The tokenizer of the language model.
        max_tokens: Its limit, special tokens included.
        modality: Modality of the images, by any of its names; None if not known.
        vocabulary: What the model was trained to find, in words; all names of the ontology if
            None.
        sentences: Whether text is sentences, from which what can be grounded is taken; if not, it
            is a list of phrases, which are asked for as they stand.
        ontology: The names; the packaged one if None.

    Returns:
        The remarks, those about the whole first, then in the order of the text. There always is
        one with the code ``tokens``, unless the text cannot be read.

    Raises:
        ValueError: If there is no such modality.

    Example:
        >>> from mmdet_medglip.text import load_tokenizer
        >>> remarks = lint_prompt('liver, hepar, no cyst', load_tokenizer('bundled'))
        >>> [(remark.code, remark.severity) for remark in remarks]
        [('tokens', 'note'), ('synonym', 'warning'), ('negated', 'warning')]
    """
    ontology = ontology or Ontology.default()
    if modality is not None:
        modality = ontology.parse_modality(modality)
    try:
        if sentences and isinstance(prompt, str):
            parsed = parse_report(prompt, ontology)
        else:
            sentences = False
            parsed = parse_phrases(prompt, ontology)
    except ValueError as error:
        return (LintRemark('unreadable', 'error', str(error)),)
    linter = _Linter(parsed, ontology, modality, vocabulary, sentences=sentences)
    whole = _token_remarks(parsed, prompt, tokenizer, max_tokens, sentences=sentences)
    return (*whole, *linter.remarks())


def _token_remarks(
    parsed: ParsedText,
    prompt: str | Prompt,
    tokenizer: PreTrainedTokenizerFast,
    max_tokens: int,
    *,
    sentences: bool,
) -> Iterator[LintRemark]:
    if sentences and not parsed.of_status('groundable'):
        yield LintRemark(
            'empty',
            'error',
            'Nothing in the text can be grounded.',
            suggestion="List what to look for, such as 'Detect: pneumonia, nodule'.",
        )
        return
    if isinstance(prompt, str):
        phrases = [mention.text for mention in parsed.mentions]
        prompt = parsed.to_prompt() if sentences else prompt_from_phrases(phrases)
    tokens = count_tokens(tokenizer, prompt.caption)
    try:
        parts = len(split_prompt(prompt, tokenizer, max_tokens))
    except ValueError as error:
        yield LintRemark('too-long', 'error', str(error))
        return
    text = f'{tokens} tokens of at most {max_tokens}'
    if parts > 1:
        text = f'{tokens} tokens, in {parts} parts of at most {max_tokens}'
    yield LintRemark('tokens', 'note', f'{_counted(len(prompt), "phrase")}, {text}.')


class _Linter:
    """Looks at the mentions of one text."""

    def __init__(
        self,
        parsed: ParsedText,
        ontology: Ontology,
        modality: str | None,
        vocabulary: Sequence[str] | None,
        *,
        sentences: bool,
    ) -> None:
        self._parsed = parsed
        self._ontology = ontology
        self._modality = modality
        self._foreign = _foreign_labels(ontology, modality)
        self._sentences = sentences
        self._vocabulary = None if vocabulary is None else _keys_of(vocabulary)
        self._known_labels = {
            label for name in vocabulary or () for label in ontology.candidates(name)
        }
        self._searched = 0
        self._words: dict[str, Mention] = {}
        self._meanings: dict[tuple[object, ...], Mention] = {}

    def remarks(self) -> Iterator[LintRemark]:
        """Yield the remarks, mention by mention."""
        for mention in self._parsed.mentions:
            if not any(map(str.isalnum, mention.text)):
                yield _remark('no-word', 'warning', mention, 'has no letter or digit', 'Drop it.')
            elif mention.status != 'groundable':
                yield from self._not_asked(mention)
            else:
                yield from self._repeated(mention)
                yield from self._sides(mention)
                yield from self._unknown(mention)
                yield from self._ambiguous(mention)
                yield from self._of_modality(mention)

    def _not_asked(self, mention: Mention) -> Iterator[LintRemark]:
        if self._sentences:
            if mention.status == 'negated':
                yield _remark('negated', 'note', mention, 'is negated and is not asked for')
        elif mention.status == 'negated':
            yield _remark(
                'negated',
                'warning',
                mention,
                'is negated: a detector looks for what is named, and does not read the negation',
                'Ask for the finding; where no box comes back, it was not found.',
            )
        else:
            yield _remark(
                'not-groundable',
                'warning',
                mention,
                f'names nothing to find ({mention.reason})',
                'Name a finding, a device or a structure.',
            )

    def _repeated(self, mention: Mention) -> Iterator[LintRemark]:
        if self._sentences:
            return
        first = self._words.setdefault(fold(mention.text), mention)
        if first is not mention:
            yield _remark('duplicate', 'warning', mention, f'repeats {_quoted(first)}', 'Drop it.')
            return
        meaning = self._meaning(mention)
        if meaning is None:
            return
        first = self._meanings.setdefault(meaning, mention)
        if first is not mention:
            label = mention.labels[0]
            yield _remark(
                'synonym',
                'warning',
                mention,
                f'means the same as {_quoted(first)}: both are {label!r}',
                f'Keep one, such as {self._ontology.display_name(label)!r}: boxes come twice.',
            )

    def _meaning(self, mention: Mention) -> tuple[object, ...] | None:
        if len(mention.labels) != 1:
            return None
        said = sorted(fold(attribute.text) for attribute in mention.attributes)
        head_start, head_end = mention.head
        places = [
            fold(self._parsed.text[start:end])
            for start, end in mention.locations
            if end <= head_start or start >= head_end
        ]
        return (mention.labels, mention.side, tuple(said), tuple(places))

    def _sides(self, mention: Mention) -> Iterator[LintRemark]:
        words = fold(mention.text).split()
        both = 'bilateral' in words or 'both' in words
        sides = [side for side in ('left', 'right') if side in words]
        joined = {'and', 'or', 'to', 'than'} & set(words)
        if (both and len(sides) == 1) or (len(sides) == 2 and not joined):
            said = [word for word in ('bilateral', 'both', 'left', 'right') if word in words]
            yield _remark(
                'side-conflict',
                'warning',
                mention,
                f'says {" and ".join(map(repr, said))} of one thing',
                'Say one side, or list a phrase for each.',
            )

    def _unknown(self, mention: Mention) -> Iterator[LintRemark]:
        if self._vocabulary is not None:
            if fold(mention.text) in self._vocabulary or self._known_labels & set(mention.labels):
                return
            near = self._near(mention)
            yield _remark('unknown', 'warning', mention, 'is not in the vocabulary', near)
        elif not mention.labels and not self._sentences:
            near = self._near(mention)
            yield _remark('unknown', 'warning', mention, 'has no label in the ontology', near)

    def _near(self, mention: Mention) -> str:
        self._searched += 1
        if self._searched > _MOST_SEARCHED:
            return ''
        if self._vocabulary is not None:
            keys = get_close_matches(fold(mention.text)[:_SHOWN], self._vocabulary, n=3)
            names = list(dict.fromkeys(self._vocabulary[key] for key in keys))
        else:
            labels = self._ontology.suggest(mention.text)
            names = [self._ontology.display_name(label) for label in labels]
        return f'Nearest known: {", ".join(names)}.' if names else ''

    def _ambiguous(self, mention: Mention) -> Iterator[LintRemark]:
        labels = [label for label in mention.labels if label not in self._foreign]
        classes = {self._ontology.parent_class(label) for label in labels}
        if len(classes) < 2 or mention.kind == 'structure':
            return
        start, end = mention.head
        head = self._parsed.text[start:end]
        try:
            self._ontology.parse_label(head, modality=self._modality)
        except ValueError:
            yield _remark(
                'ambiguous',
                'note',
                mention,
                f'may mean {_listed(labels)}',
                'Name the organ, or give the modality.',
            )

    def _of_modality(self, mention: Mention) -> Iterator[LintRemark]:
        if not mention.labels or not self._foreign.issuperset(mention.labels):
            return
        modalities = {m for i in mention.labels for m in self._ontology.info(i).modalities}
        known = [m for m in self._ontology.modalities if m in modalities]
        yield _remark(
            'modality',
            'warning',
            mention,
            f'is not a label of {self._modality}, but of {_listed(known)}',
            'Leave it out, or check the modality.',
        )


def _foreign_labels(ontology: Ontology, modality: str | None) -> frozenset[str]:
    if modality is None:
        return frozenset()
    return frozenset(ontology.labels) - frozenset(ontology.labels_of(modality))


def _keys_of(vocabulary: Sequence[str]) -> dict[str, str]:
    """Return the names of a vocabulary by what they are compared by, plurals too."""
    plurals = {fold(plural_of(name)): name for name in vocabulary}
    return plurals | {fold(name): name for name in vocabulary}


def _remark(
    code: Code, severity: Severity, mention: Mention, fault: str, suggestion: str = ''
) -> LintRemark:
    return LintRemark(code, severity, f'{_quoted(mention)} {fault}.', mention.span, suggestion)


def _quoted(mention: Mention) -> str:
    return repr(mention.text[:_SHOWN])


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
    return f'{", ".join(names[:_LISTED])}{more}'


def _counted(number: int, noun: str) -> str:
    return f'{number} {noun if number == 1 else plural_of(noun)}'
