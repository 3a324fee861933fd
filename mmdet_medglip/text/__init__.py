"""Prompts, sentences and tokens. Nothing here needs torch."""

from .attribute import Attribute
from .lint import lint_prompt
from .lint_remark import LintRemark
from .mention import Mention
from .parsed_text import ParsedText
from .prompt import Prompt, Span, parse_prompt, prompt_from_caption, prompt_from_phrases
from .report import parse_phrases, parse_report
from .tokenization import (
    BUNDLED,
    count_tokens,
    load_tokenizer,
    offline_error,
    resolve_language_model,
    split_prompt,
    token_map,
)
from .wording import WORDINGS, Wording, say

__all__ = [
    'BUNDLED',
    'WORDINGS',
    'Attribute',
    'LintRemark',
    'Mention',
    'ParsedText',
    'Prompt',
    'Span',
    'Wording',
    'count_tokens',
    'lint_prompt',
    'load_tokenizer',
    'offline_error',
    'parse_phrases',
    'parse_prompt',
    'parse_report',
    'prompt_from_caption',
    'prompt_from_phrases',
    'resolve_language_model',
    'say',
    'split_prompt',
    'token_map',
]
