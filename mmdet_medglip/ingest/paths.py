"""File names from outside: kept inside their data set, and matched by patterns."""

import glob
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ['MatchedFile', 'fill_pattern', 'inside', 'match_files']

_FIELD = re.compile(r'\{(\w+)\}')


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
        ValueError: If the path is absolute, climbs by ``..``, or leaves by a symbolic link.
    """
    text = str(relative)
    parts = text.replace('\\', '/').split('/')
    absolute = text.startswith(('/', '\\')) or re.match(r'[A-Za-z]:', text) is not None
    if absolute or '..' in parts or '\0' in text:
        raise ValueError(
            f"Path {text!r} must be relative to {root} and free of '..'; correct its source."
        )
    path = root / text
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f'Path {text!r} leaves {root} by a symbolic link; copy the file instead.')
    return path


def fill_pattern(pattern: str, fields: dict[str, str]) -> str:
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


def match_files(root: Path, pattern: str) -> list[MatchedFile]:
    """Find the files of a pattern below a root, in the order of their names.

    A pattern is a glob in which ``{field}`` stands for any run of characters but ``/`` and is
    reported. A field takes as much as it can; a field that occurs twice is the same twice.

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
    inside(root, _FIELD.sub('x', pattern))
    expression = re.compile(_expression(pattern))
    found = []
    for name in sorted(glob.glob(_FIELD.sub('*', pattern), root_dir=root)):
        match = expression.fullmatch(name.replace('\\', '/'))
        path = inside(root, name)
        if match and path.is_file():
            found.append(MatchedFile(path, match.groupdict()))
    return found


def _expression(pattern: str) -> str:
    """Translate a pattern to a regular expression with one group per field."""
    seen: set[str] = set()
    text = ''
    for token in re.findall(r'\{\w+\}|\*+|\?|\[[^\]]+\]|[^*?{\[]+|.', pattern):
        name = token[1:-1]
        if token.startswith('{') and token.endswith('}'):
            text += f'(?P={name})' if name in seen else f'(?P<{name}>[^/]+)'
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
