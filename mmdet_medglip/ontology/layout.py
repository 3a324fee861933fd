"""The layout of a label file: reading it, and one clear error for each fault in it."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ['Entry', 'read_yaml']

_Loader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


class _UniqueKeyLoader(_Loader):
    """YAML loader that refuses a key given twice, of which YAML would keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping once its keys are known to differ."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f'{key_node.value!r} is given twice, again in line {line}')
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file without building objects.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not valid YAML, or has a key twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Label file {path} does not exist; pass an existing YAML file.')
    try:
        return yaml.load(path.read_text(encoding='utf-8'), _UniqueKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
