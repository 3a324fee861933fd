"""File names from outside: kept inside their data set, and matched by patterns."""

import glob
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    'FileFinder',
    'MatchedFile',
    'fields_of',
    'fill_pattern',
    'inside',
    'match_files',
    'readable_name',
    'split_fields',
]

_MAX_NAME, _MAX_PATH = 255, 4000
_FIELD = re.compile(r'\{(\w+)(?::[^{}/]*)?\}')
_TOKEN = re.compile(r'\{\w+(?::[^{}/]*)?\}|\*+|\?|\[[^\]]+\]|[^*?{\[]+|.')


@dataclass(frozen=True)
class MatchedFile:
    """A file that a pattern found.

    Args:
        path: The file.
        fields: What each ``{field}`` of the pattern stands for in its name.
    """

    path: Path
    fields: dict[str, str]


def inside(root: Path, relative: str | Path) -> Path:
    """Join a path from a file of the data set to its root, without ever leaving the root.

    Args:
        root: Folder of the data set.
        relative: Path relative to it.

    Returns:
        The joined path; it need not exist.

    Raises:
        ValueError: If the path is absolute, climbs by ``..``, leaves by a symbolic link, or is a
            circle of such links.
    """
    text = _relative(root, relative)
    path, shown = root / text, text[:300]
    try:
        is_inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise ValueError(f'Path {shown!r} in {root} leads nowhere ({error}); remove it.') from None
    if not is_inside:
        raise ValueError(f'Path {shown!r} leaves {root} by a symbolic link; copy the file instead.')
    return path


def fields_of(pattern: str) -> tuple[str, ...]:
    """Return the names of the fields of a pattern, each once, in their order."""
    return tuple(dict.fromkeys(_FIELD.findall(pattern)))


def fill_pattern(pattern: str, fields: Mapping[str, str]) -> str:
    """Put known fields into a pattern, escaped, and leave the rest.

    Args:
        pattern: Glob pattern with ``{field}`` places.
        fields: Values by field.

    Returns:
        The pattern with the given fields filled in.

    Example:
        >>> fill_pattern('masks/{stem}_{label}.png', {'stem': 'a[1]'})
        'masks/a[[]1]_{label}.png'
    """
    return _FIELD.sub(
        lambda match: glob.escape(fields[match[1]]) if match[1] in fields else match[0], pattern
    )


def split_fields(pattern: str, text: str) -> dict[str, str] | None:
    """Take a text apart by a pattern.

    Args:
        pattern: Pattern with ``{field}`` places.
        text: Text without ``/`` in its fields.

    Returns:
        What each field stands for; None if the text does not fit.

    Example:
        >>> split_fields('{series}_{slice}.png', '000001_01_01_109.png')
        {'series': '000001_01_01', 'slice': '109'}
    """
    match = re.fullmatch(_expression(pattern), text)
    return None if match is None else match.groupdict()


def match_files(root: Path, pattern: str) -> list[MatchedFile]:
    """Find the files of a pattern below a root, in the order of their names.

    A pattern is a glob in which ``{field}`` stands for any run of characters but ``/`` and is
    reported. A field takes as much as it can; a field that occurs twice is the same twice.
    ``{field:glob}`` stands for names that fit a glob only, such as ``{stem:amos_0[0-4]*}``.

    Args:
        root: Folder of the data set.
        pattern: Pattern relative to it, such as ``{split}/images/{stem}.jpg``.

    Returns:
        The files, possibly none.

    Raises:
        ValueError: If the pattern, or a symbolic link it finds, leaves the root.

    Example:
        >>> match_files(Path('data'), '{split}/images/{stem}.jpg')  # doctest: +SKIP
        [MatchedFile(path=..., fields={'split': 'train', 'stem': 'a'}), ...]
    """
    return FileFinder(root).match(pattern)


class FileFinder:
    """Match many patterns below one root; every folder is listed once.

    A pattern whose places are filled in up to some ``*`` is looked up by its beginning in the
    sorted names of its folder, so that a million patterns in one folder stay quick.

    Args:
        root: Folder of the data set.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listings: dict[str, tuple[list[str], list[str]]] = {}

    def match(self, pattern: str) -> list[MatchedFile]:
        """Find the files of a pattern; see :func:`match_files`."""
        _relative(self.root, _FIELD.sub('x', pattern))
        *parents, last = pattern.split('/')
        folders = ['']
        for part in parents:
            folders = [
                f'{folder}{name}/' for folder in folders for name in self._names(folder, part, 1)
            ]
        expression = re.compile(_expression(pattern))
        names = (f'{folder}{name}' for folder in folders for name in self._names(folder, last, 0))
        matches = ((name, expression.fullmatch(name)) for name in sorted(names))
        return [MatchedFile(self.root / n, match.groupdict()) for n, match in matches if match]

    def _names(self, folder: str, part: str, kind: int) -> Iterator[str]:
        """Yield names in a folder that can fit one part of a pattern: files (0) or folders (1)."""
        if part in ('', '.'):
            yield from [part] if kind else []
            return
        names = self._list(folder)[kind]
        start, is_whole = _literal_start(part)
        first = bisect_left(names, start)
        if is_whole:
            yield from [start] if names[first : first + 1] == [start] else []
            return
        expression = re.compile(_expression(part)) if kind else None
        for place in range(first, len(names)):
            name = names[place]
            if not name.startswith(start):
                return
            if name.startswith('.') and not part.startswith('.'):
                continue
            if expression is None or expression.fullmatch(name):
                yield name

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the sorted names of files and of folders in a folder, none if it is not there."""
        if folder not in self._listings:
            files: list[str] = []
            folders: list[str] = []
            where = self.root / folder
            if where.is_dir():
                with os.scandir(where) as entries:
                    for entry in entries:
                        if entry.is_symlink():
                            inside(self.root, folder + entry.name)
                        (folders if entry.is_dir() else files).append(
                            readable_name(entry.name, where)
                        )
            self._listings[folder] = (sorted(files), sorted(folders))
        return self._listings[folder]


def _relative(root: Path, relative: str | Path) -> str:
    """Refuse a path that by its letters alone leaves the root."""
    text = str(relative)
    parts = text.replace('\\', '/').split('/')
    absolute = text.startswith(('/', '\\')) or re.match(r'[A-Za-z]:', text) is not None
    if absolute or '..' in parts or '\0' in text:
        raise ValueError(
            f"Path {text[:300]!r} must be relative to {root} and free of '..'; correct its source."
        )
    lengths = [len(part.encode('utf-8', 'surrogatepass')) for part in parts]
    if max(lengths) > _MAX_NAME or sum(lengths) + len(lengths) > _MAX_PATH:
        raise ValueError(f'Path {text[:80]!r}... in {root} is longer than a file name can be.')
    return text


def readable_name(name: str, folder: Path) -> str:
    """Return a name in a folder as it is.

    Raises:
        ValueError: If it is not UTF-8.
    """
    try:
        name.encode('utf-8')
    except UnicodeEncodeError:
        raise ValueError(f'File name {name!r} in {folder} is not UTF-8; rename it.') from None
    return name


def _literal_start(part: str) -> tuple[str, bool]:
    """Return what every name that fits a part of a pattern begins with, and if that is all."""
    start = ''
    for token in _TOKEN.findall(part):
        if len(token) == 3 and token[0] == '[' and token[1] != '!':
            start += token[1]
        elif token[0] in '*?[' or _FIELD.fullmatch(token):
            return start, False
        else:
            start += token
    return start, True


def _expression(pattern: str) -> str:
    """Translate a pattern to a regular expression with one group per field."""
    seen: set[str] = set()
    text = ''
    for token in _TOKEN.findall(pattern):
        name = token[1:-1]
        if token.startswith('{') and token.endswith('}'):
            name, _, shape = name.partition(':')
            inner = _expression(shape) if shape else '[^/]+'
            text += f'(?P={name})' if name in seen else f'(?P<{name}>{inner})'
            seen.add(name)
        elif token.startswith('*'):
            text += '[^/]*'
        elif token == '?':
            text += '[^/]'
        elif token.startswith('[') and token.endswith(']'):
            inner = name.replace('[', r'\[')
            text += f'[^{inner[1:]}]' if inner.startswith('!') else f'[{inner}]'
        else:
            text += re.escape(token)
    return text
