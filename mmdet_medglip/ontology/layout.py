"""The layout of a label file: reading it, and one clear error for each fault in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .plain_yaml import load_yaml

__all__ = ['Entry', 'read_yaml']

_MAX_BYTES = 16 << 20


def read_yaml(path: Path) -> Any:
    """Read a YAML file without building objects.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is too large, is not valid YAML, or has a key twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Label file {path} does not exist; pass an existing YAML file.')
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f'Label file {path} is over {_MAX_BYTES} bytes; it is no label file.')
    try:
        return load_yaml(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'Label file {path} is not valid YAML: {error}') from error


class Entry:
    """A mapping of a label file, which knows where it stands in the file.

    Args:
        value: The mapping.
        origin: What errors call the file.
        where: Keys that lead to the mapping, joined by dots.
        keys: Keys it may have; None for any.

    Raises:
        ValueError: If ``value`` is not a mapping or has another key.
    """

    def __init__(
        self, value: Any, origin: str, where: str, keys: tuple[str, ...] | None = None
    ) -> None:
        self._origin = origin
        self.where = where
        if not isinstance(value, Mapping):
            raise self.error('', 'must be a mapping', value)
        self._value: dict[str, Any] = {str(key): item for key, item in value.items()}
        unknown = [key for key in self._value if keys is not None and key not in keys]
        if unknown:
            raise self.error(unknown[0], f'is not a key here; known are {", ".join(keys or ())}')

    def error(self, key: str, fault: str, *received: Any) -> ValueError:
        """Return an error that names the file and the key."""
        where = '.'.join(part for part in (self.where, key) if part)
        got = f', got {received[0]!r}' if received else ''
        return ValueError(f'{self._origin}: {where!r} {fault}{got}.')

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def names(self) -> tuple[str, ...]:
        """Return the keys, in the file's order."""
        return tuple(self._value)

    def entry(self, key: str, keys: tuple[str, ...] | None = None) -> 'Entry':
        """Return a mapping below this one; an empty one if the key is absent."""
        where = '.'.join(part for part in (self.where, key) if part)
        return Entry(self._value.get(key, {}), self._origin, where, keys)

    def items(self, key: str, keys: tuple[str, ...]) -> list['Entry']:
        """Return the mappings of a list."""
        found = self._value.get(key, [])
        if not isinstance(found, list):
            raise self.error(key, 'must be a list', found)
        where = '.'.join(part for part in (self.where, key) if part)
        return [Entry(v, self._origin, f'{where}[{i}]', keys) for i, v in enumerate(found)]

    def text(self, key: str) -> str:
        """Return words that must be there."""
        if key not in self._value:
            raise self.error(key, 'is missing; give it as words')
        found = self._value[key]
        if not isinstance(found, str) or not found.strip():
            raise self.error(key, 'must be words', found)
        return found

    def optional(self, key: str) -> str | None:
        """Return words, or None if the key is absent."""
        return self.text(key) if key in self._value else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of words; empty if the key is absent."""
        found = self._value.get(key, [])
        if not isinstance(found, list) or not all(isinstance(v, str | int) for v in found):
            raise self.error(key, 'must be a list of words', found)
        return tuple(str(v) for v in found)

    def flag(self, key: str, default: bool) -> bool:
        """Return a truth value."""
        found = self._value.get(key, default)
        if not isinstance(found, bool):
            raise self.error(key, 'must be true or false', found)
        return found

    def raw(self, key: str) -> Any:
        """Return a value as it is; None if the key is absent."""
        return self._value.get(key)
