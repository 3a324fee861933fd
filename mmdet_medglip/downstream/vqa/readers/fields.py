"""Fields of a question as files have them, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmdet_medglip.ingest.annotation_files import decode_text, load_json, parse_json
from mmdet_medglip.ingest.images import image_size
from mmdet_medglip.ingest.paths import inside

from ..question_set import Row

__all__ = ['answer_type_of', 'find_image', 'json_lines', 'json_list', 'text_of']

_MAX_LINE_BYTES = 1_000_000


def json_list(path: Path) -> Iterator[Row]:
    """Go through the objects of a JSON list.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no JSON, or no list.
    """
    rows = load_json(path)
    if not isinstance(rows, list):
        raise ValueError(
            f'{path} must be a JSON list of questions, got {type(rows).__name__}; see docs/vqa.md.'
        )
    return (Row(f'{path}, question {number}', row) for number, row in enumerate(rows, start=1))


def json_lines(path: Path) -> Iterator[Row]:
    """Go through a file of one JSON object a line; empty lines are passed over.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is too long or no JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Annotation file {path} does not exist.')
    with path.open('rb') as file:
        number = 0
        while line := file.readline(_MAX_LINE_BYTES + 1):
            number += 1
            where = f'{path}, line {number}'
            if len(line) > _MAX_LINE_BYTES:
                raise ValueError(f'{where} has over {_MAX_LINE_BYTES} bytes; is it a question?')
            if text := decode_text(line, path).strip():
                yield Row(where, parse_json(text, where))


def text_of(row: Any, field: str) -> str:
    """Return a field that is text or a number.

    Raises:
        ValueError: The row is no object, or the field is missing, empty or of another type.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f'A question must be an object, got {type(row).__name__}.')
    if field not in row:
        raise ValueError(f'The field {field!r} is missing; there are {sorted(row)[:12]}.')
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(
            f'{field!r} must be text or a number, got {type(value).__name__} {value!r:.80}.'
        )
    text = str(value).strip()
    if not text:
        raise ValueError(f'{field!r} is empty.')
    return text


def answer_type_of(row: Any, field: str = 'answer_type') -> str:
    """Return ``closed`` or ``open`` of a field that says so in any case.

    Raises:
        ValueError: It says something else.
    """
    found = text_of(row, field).lower()
    if found not in ('closed', 'open'):
        raise ValueError(f"{field!r} must be 'CLOSED' or 'OPEN', got {row[field]!r:.80}.")
    return found


def find_image(root: Path | None, name: str) -> Path | None:
    """Return the file of an image, which is there and has a sensible size.

    Args:
        root: Folder of the images; None where there are none.
        name: Path relative to it.

    Returns:
        The file; None without a folder.

    Raises:
        ValueError: It leaves the folder, is missing, or cannot be an image.
    """
    if root is None:
        return None
    path = inside(root, name)
    try:
        image_size(path)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
    return path
