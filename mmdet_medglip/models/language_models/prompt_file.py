"""Encoded prompts in a file, bound to the weights that encoded them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mmdet_medglip.text import Prompt

from .text_encoder import TextEncoder

__all__ = ['load_prompts', 'save_prompts']

_FORMAT = 'mmdet_medglip prompts 1'


def save_prompts(path: str | Path, encoder: TextEncoder, prompts: Sequence[Prompt]) -> None:
    """Write prompts and their features; the encoder computes those that it has not pinned.

    Args:
        path: A ``.safetensors`` file, replaced if it is there.
        encoder: Its weights are written as a digest only.
        prompts: Their features are pinned to the encoder afterwards.

    Raises:
        ValueError: A prompt exceeds the token limit.
        OSError: The file cannot be written.
    """
    if any(encoder.pinned(prompt) is None for prompt in prompts):
        encoder.pin(prompts)
    hidden = {
        str(row): encoder.pinned(prompt).cpu().contiguous() for row, prompt in enumerate(prompts)
    }
    content = [dict(caption=p.caption, phrases=p.phrases, spans=p.spans) for p in prompts]
    header = dict(
        format=_FORMAT,
        language_model=encoder.name,
        digest=encoder.digest(),
        prompts=json.dumps(content),
    )
    save_file(hidden, path, metadata=header)


def load_prompts(path: str | Path, encoder: TextEncoder) -> list[Prompt]:
    """Read a file of :func:`save_prompts` and pin its prompts to the encoder.

    Args:
        path: The file. Nothing in it is executed.
        encoder: Must have the weights that the file was made with.

    Returns:
        The prompts, in the order they were written.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no file of prompts, is damaged, or was made with other weights.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'No file of prompts at {path}; write one with save_prompts.')
    try:
        with safe_open(path, framework='pt') as file:
            header = file.metadata() or {}
            if header.get('format') != _FORMAT:
                raise ValueError(f'its format is {header.get("format")!r}, expected {_FORMAT!r}')
            prompts = [_read_prompt(entry) for entry in json.loads(header['prompts'])]
            hidden = [file.get_tensor(str(row)) for row in range(len(prompts))]
    except (
        *(SafetensorError, ValueError, KeyError, TypeError),
        *(AttributeError, OverflowError, RecursionError),
    ) as error:
        raise ValueError(
            f'{path} is no file of prompts, or damaged ({error}); write it again with save_prompts.'
        ) from error
    if header.get('digest') != encoder.digest():
        raise ValueError(
            f'{path} was made with other weights of a language model '
            f'({header.get("language_model")!r}) than this one ({encoder.name!r}) has; write it '
            'again with this model: set_prompts, then save_prompts.'
        )
    encoder.pin(prompts, hidden)
    return prompts


def _read_prompt(entry: dict) -> Prompt:
    spans = tuple(tuple((int(a), int(b)) for a, b in of_one) for of_one in entry['spans'])
    return Prompt(str(entry['caption']), tuple(map(str, entry['phrases'])), spans)
