"""Which class names the values of a label volume stand for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .annotation_files import load_json

__all__ = ['label_values', 'load_label_values']

_MAX_BYTES = 10_000_000
_BACKGROUND = 'background'


def load_label_values(path: Path) -> dict[str, tuple[int, ...]]:
    """Read ``labels`` of a data set's json, as nnU-Net (1 and 2) and the MSD write it.

    Args:
        path: The file.

    Returns:
        Label values by name; see :func:`label_values`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has no usable ``labels``.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Label names {path} do not exist; give names in the recipe.')
    content = load_json(path, _MAX_BYTES)
    labels = content.get('labels') if isinstance(content, dict) else None
    try:
        return label_values(labels)
    except ValueError as error:
        raise ValueError(f"{path} has no usable 'labels': {error}") from None


def label_values(names: Any) -> dict[str, tuple[int, ...]]:
    """Bring names of label values to one form.

    Args:
        names: ``{name: value}``, ``{name: [values]}`` (their union, as nnU-Net's regions), or
            ``{value: name}`` with whole numbers as keys.

    Returns:
        Values by name, without the background.

    Raises:
        ValueError: If it is not such a mapping.

    Example:
        >>> label_values({'0': 'background', '1': 'liver'})
        {'liver': (1,)}
        >>> label_values({'liver': [1, 2], 'tumor': 2})
        {'liver': (1, 2), 'tumor': (2,)}
    """
    if not isinstance(names, Mapping) or not names:
        raise ValueError(f'names of label values must be a mapping name: value, got {names!r:.80}.')
    pairs = list(names.items())
    if all(str(key).isdigit() and isinstance(value, str) for key, value in pairs):
        pairs = [(value, int(key)) for key, value in pairs]
    values: dict[str, tuple[int, ...]] = {}
    for name, given in pairs:
        numbers = given if isinstance(given, (list, tuple)) else [given]
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ValueError(
                    f'{name!r:.80} must stand for whole numbers >= 0, got {given!r:.80}.'
                )
        if str(name).casefold() != _BACKGROUND:
            values[str(name)] = values.get(str(name), ()) + tuple(n for n in numbers if n > 0)
    return values
