"""The files that describe a language model: configuration and tokenizer, without weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmdet_medglip.store.durable import replace_file

from .contents import LANGUAGE_FILES, MOST_BYTES

__all__ = ['check_language_files', 'copy_language_files']

_CODE = ('auto_map', 'custom_pipelines', 'trust_remote_code')
_PLACES = ('_name_or_path', 'name_or_path', 'tokenizer_file', 'vocab_file', 'merges_file')
_MOST = 1_000_000


def copy_language_files(source: Path, target: Path) -> list[str]:
    """Copy what a language model needs besides its weights.

    Args:
        source: Folder of the model.
        target: Folder to fill; it is made.

    Returns:
        Names of the files.

    Raises:
        ValueError: The model runs code of its own, or lacks a configuration or fast tokenizer.
        OSError: A file cannot be copied.
    """
    target.mkdir()
    names = [name for name in LANGUAGE_FILES if (source / name).is_file()]
    for name in names:
        content = (source / name).read_bytes()
        if name in ('config.json', 'tokenizer_config.json'):
            told = {key: one for key, one in json.loads(content).items() if key not in _PLACES}
            content = (json.dumps(told, indent=1, sort_keys=True) + '\n').encode()
        replace_file(target / name, content)
    check_language_files(target)
    return names


def check_language_files(folder: Path) -> None:
    """Make sure that Transformers can read a folder without running code from it.

    Raises:
        FileNotFoundError: Configuration or tokenizer is missing.
        ValueError: A file is damaged, names code or other files, or a model that Transformers does
            not have itself.
    """
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    for name in ('config.json', 'tokenizer.json'):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f'The language model in {folder} lacks {name}; pack one with a fast tokenizer.'
            )
    for name in ('config.json', 'tokenizer_config.json'):
        if not (folder / name).is_file():
            continue
        told = _read(folder / name)
        wrong = [key for key in (*_CODE, *_PLACES) if key in told]
        if wrong:
            raise ValueError(
                f'{folder / name} has the entry {wrong[0]}, by which other files or code are '
                'loaded; pack a language model without it.'
            )
        numbers = [one for one in told.values() if isinstance(one, int | float)]
        if any(not abs(one) <= _MOST for one in numbers) and name == 'config.json':
            raise ValueError(f'{folder / name} has a number beyond {_MOST}.')
    kind = _read(folder / 'config.json').get('model_type')
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING_NAMES:
        raise ValueError(
            f'{folder / "config.json"} is of the model type {kind!r:.80}, which Transformers '
            'does not have itself.'
        )


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES[f'language_model/{path.name}']:
        raise ValueError(f'{path} is too large.')
    try:
        told = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}).') from error
    if not isinstance(told, dict):
        raise ValueError(f'{path} is damaged (no entries).')
    return told
