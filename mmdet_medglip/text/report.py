"""Reading of sentences: what they mention, and what of it can be grounded."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import fold

from .draft import Draft
from .lexicon import Lexicon
from .mention import Mention
from .mention_writer import MentionWriter
from .parsed_text import ParsedText
from .phrase import find_phrases
from .piece import Piece, read_pieces
from .prompt import Prompt, Span, check_text, list_spans, parse_prompt
from .sentence_reader import SentenceReader
from .term_index import TermIndex
from .word import Word, read_words, split_sentences

__all__ = ['parse_phrases', 'parse_report', 'read_sentence']


def parse_report(text: str, ontology: Ontology | None = None) -> ParsedText:
    """Read sentences: free text, or a report with or without headings.

    What is named is found by the names of the ontology and the words of ``lexicon.yaml``, longest
    first. Time and memory grow in proportion to the text.

    Args:
        text: The sentences; a blank text mentions nothing.
        ontology: The names; the packaged one if None.

    Returns:
        The mentions, with spans in characters of ``text``.

    Raises:
        ValueError: If the text is no valid Unicode (lone surrogates).

    Example:
        >>> parsed = parse_report('No effusion or pneumothorax. A 5 mm nodule in the left lung.')
        >>> [(m.text, m.status, m.side) for m in parsed.mentions]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('effusion', 'negated', None), ('pneumothorax', 'negated', None),
         ('5 mm nodule', 'groundable', 'left')]
        >>> parsed.mentions[2].attributes[0].millimetres
        (5.0,)
    """
    check_text(text)
    ontology = ontology or Ontology.default()
    index = _index_of(ontology)
    writer = MentionWriter(text, ontology)
    mentions: list[Mention] = []
    spans: list[Span] = []
    short_forms = not text.isupper()
    told = True
    for sentence in split_sentences(text, read_words(text)):
        spans.append((sentence[0].start, sentence[-1].end))
        pieces = read_pieces(sentence, index, short_forms=short_forms)
        heading = _heading(pieces)
        if heading is not None:
            told = heading == 'findings'
            pieces = pieces[2:]
        for draft in _drafts(pieces):
            mentions.append(writer.mention(draft, is_told=told))
    return ParsedText(text, tuple(mentions), tuple(spans))


def parse_phrases(prompt: str | Prompt, ontology: Ontology | None = None) -> ParsedText:
    """Read a list of phrases: what each names, its side, its attributes, whether it is negated.

    Args:
        prompt: A list in writing, as :func:`~mmdet_medglip.text.parse_prompt` reads it, or a
            prompt. Spans are in characters of this text; of the caption for a prompt or a JSON
            list.
        ontology: The names; the packaged one if None.

    Returns:
        One mention for each phrase, its span the whole phrase. A phrase without any known name
        has the kind ``other`` and is groundable: a list may ask for anything.

    Raises:
        ValueError: If there is no phrase, or the text is not valid.

    Example:
        >>> mentions = parse_phrases('Detect: left kidney, no effusion').mentions
        >>> [(m.text, m.kind, m.status, m.side) for m in mentions]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('left kidney', 'structure', 'groundable', 'left'),
         ('no effusion', 'finding', 'negated', None)]
    """
    spans: Sequence[Span] | None = None
    if isinstance(prompt, str):
        text, spans = prompt, list_spans(prompt)
        prompt = parse_prompt(prompt)
    if spans is None:
        text = prompt.caption
        spans = [(of_one[0][0], of_one[-1][1]) for of_one in prompt.spans]
    ontology = ontology or Ontology.default()
    index = _index_of(ontology)
    writer = MentionWriter(text, ontology)
    mentions = []
    for start, end in spans:
        pieces = _pieces_of_phrase(text, (start, end), index)
        named = [draft for draft in _drafts(pieces) if draft.phrase is not None]
        named.sort(key=lambda draft: draft.kind == 'structure' and draft.state is None)
        if named:
            mention = writer.mention(named[0], is_told=True)
            mentions.append(replace(mention, text=text[start:end], span=(start, end)))
        else:
            mentions.append(writer.unknown((start, end), pieces))
    return ParsedText(text, tuple(mentions), tuple(spans))


def read_sentence(text: str, ontology: Ontology | None = None) -> list[Piece]:
    """Group the words of one sentence to known terms; see :func:`~.piece.read_pieces`."""
    index = _index_of(ontology or Ontology.default())
    return read_pieces(read_words(text), index, short_forms=True)


@lru_cache(maxsize=4)
def _index_of(ontology: Ontology) -> TermIndex:
    return TermIndex(Lexicon.default(), ontology)


def _drafts(pieces: Sequence[Piece]) -> list[Draft]:
    return SentenceReader(find_phrases(pieces)).drafts()


def _heading(pieces: Sequence[Piece]) -> str | None:
    """Return what stands under a heading that opens a sentence; None if there is none."""
    if len(pieces) > 1 and pieces[1].key == ':':
        return pieces[0].kind('section')
    return None


def _pieces_of_phrase(text: str, span: Span, index: TermIndex) -> list[Piece]:
    start, end = span
    whole = index.whole(text[start:end])
    if whole is not None:
        return [Piece(start, end, fold(text[start:end]), whole.roles, whole.labels)]
    found = read_words(text[start:end])
    words = [Word(word.start + start, word.end + start, word.key, word.raw) for word in found]
    return read_pieces(words, index, short_forms=True)
