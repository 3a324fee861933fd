"""Prompts and tokens. Nothing here needs torch."""

from .prompt import Prompt, Span, parse_prompt, prompt_from_caption, prompt_from_phrases
from .tokenization import (
    BUNDLED,
    count_tokens,
    load_tokenizer,
    offline_error,
    resolve_language_model,
    split_prompt,
    token_map,
)

__all__ = [
    'BUNDLED',
    'Prompt',
    'Span',
    'count_tokens',
    'load_tokenizer',
    'offline_error',
    'parse_prompt',
    'prompt_from_caption',
    'prompt_from_phrases',
    'resolve_language_model',
    'split_prompt',
    'token_map',
]
