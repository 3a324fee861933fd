"""The list of a packed model: what it is, and each file with its size and SHA-256."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mmdet_medglip.store.durable import file_sha256, replace_file
from mmdet_medglip.version import __version__

__all__ = ['LIST_NAME', 'Contents', 'FileEntry']

LIST_NAME = 'medglip.json'
_FORMAT = 'mmdet_medglip model'
_VERSION = 1
_MOST_LIST = 1 << 20
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,63}')

LANGUAGE_FOLDER = 'language_model'
LANGUAGE_FILES = (
    *('config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'),
    *('vocab.txt', 'vocab.json', 'merges.txt', 'added_tokens.json'),
)
MOST_BYTES = {
    'README.md': 1 << 20,
    'LICENSE': 1 << 20,
    'config.json': 4 << 20,
    'labels.json': 16 << 20,
    'ontology.yaml': 16 << 20,
    'presence.json': 64 << 20,
    'prompts.safetensors': 1 << 30,
    'weights.safetensors': 16 << 30,
    **{f'{LANGUAGE_FOLDER}/{name}': 64 << 20 for name in LANGUAGE_FILES},
}
"""Every file that a packed model may have, and how large it may be."""
REQUIRED = ('README.md', 'LICENSE', 'config.json', 'ontology.yaml', 'weights.safetensors')


@dataclass(frozen=True)
class FileEntry:
    """One file.

    Attributes:
        bytes: Its size.
        sha256: Of its content, 64 hexadecimal digits.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What a packed model holds.

    Attributes:
        name: Short name of the model.
        files: Entry of each file, by its name with ``/``.
        language_model: Whether the language model is ``'packed'``, is the ``'bundled'`` one of its
            own package, or there is ``'none'``.
        language_digest: SHA-256 of the weights of a bundled language model, else empty.
        score_thr: Least score of a box where the caller names none, in [0, 1].
        format: What wrote it.
        version: Number of the layout.
        written_by: Version of the package that wrote it.

    Raises:
        ValueError: A value out of range, or a file that a packed model does not have.
    """

    name: str
    files: dict[str, FileEntry]
    language_model: Literal['packed', 'bundled', 'none']
    language_digest: str = ''
    score_thr: float = 0.3
    format: str = _FORMAT
    version: int = _VERSION
    written_by: str = __version__

    def __post_init__(self) -> None:
        """Check the values."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f'name must be letters, digits, dots, dashes or underscores, got {self.name[:80]!r}'
            )
        if not 0 <= self.score_thr <= 1:
            raise ValueError(f'score_thr must be in [0, 1], got {self.score_thr}')
        unknown = sorted(set(self.files).difference(MOST_BYTES))
        if unknown:
            raise ValueError(f'a packed model has no file {unknown[0][:80]!r}')
        missing = [name for name in REQUIRED if name not in self.files]
        if missing:
            raise ValueError(f'the list lacks {missing[0]}')

    @classmethod
    def read(cls, folder: Path) -> Contents:
        """Read the list of a folder.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It is damaged, or of a newer format.
        """
        path = folder / LIST_NAME
        if not path.is_file():
            raise FileNotFoundError(
                f'{folder} is no packed model: it has no {LIST_NAME}. `medglip pack` makes one; '
                'for a config, name its file.'
            )
        if path.stat().st_size > _MOST_LIST:
            raise ValueError(f'{path} is larger than any list of a packed model; get it again.')
        content = path.read_bytes()
        try:
            head = msgspec.json.decode(content)
            told = (head['format'], head['version'])
        except (
            *(msgspec.DecodeError, UnicodeDecodeError, RecursionError),
            *(KeyError, TypeError),
        ) as error:
            raise ValueError(f'{path} is damaged ({error}); get the model again.') from error
        if told[0] != _FORMAT or not isinstance(told[1], int):
            raise ValueError(f'{path} has the format {told[0]!r:.80}, expected {_FORMAT!r}.')
        if told[1] > _VERSION:
            raise ValueError(
                f'{folder} has version {told[1]} of the format, written by mmdet-medglip '
                f'{head.get("written_by")!s:.80}; this is {__version__} and reads up to '
                f'{_VERSION}: upgrade mmdet-medglip.'
            )
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ValueError(f'{path} is damaged ({error}); get the model again.') from error

    def write(self, folder: Path) -> None:
        """Write the list into a folder.

        Raises:
            OSError: It cannot be written.
        """
        text = json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + '\n'
        replace_file(folder / LIST_NAME, text.encode())

    def check(self, folder: Path) -> None:
        """Make sure that the files of a folder are those of the list, byte by byte.

        Names that begin with a dot are passed over at the top of the folder.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is another one, a link, too large, or not in the list.
        """
        for name, entry in sorted(self.files.items()):
            path = folder / name
            if any(part.is_symlink() for part in (path, path.parent) if part != folder):
                raise ValueError(f'{path} is a link; a packed model holds its files itself.')
            if not path.is_file():
                raise FileNotFoundError(
                    f'{folder} lacks {name}, which its list names; copy the whole folder again.'
                )
            size = path.stat().st_size
            if size > MOST_BYTES[name]:
                raise ValueError(
                    f'{path} has {size} bytes, more than the {MOST_BYTES[name]} that it may have.'
                )
            if size != entry.bytes or file_sha256(path) != entry.sha256:
                raise ValueError(
                    f'{path} was changed or damaged: its size or SHA-256 is not that of '
                    f'{LIST_NAME}; get the model again, or pack it again.'
                )
        for path in sorted(folder.rglob('*')):
            name = path.relative_to(folder).as_posix()
            if name.startswith('.') or name in (LIST_NAME, LANGUAGE_FOLDER) or name in self.files:
                continue
            raise ValueError(f'{folder} holds {name}, which its list does not name; remove it.')


def entry_of(path: Path) -> FileEntry:
    """Return size and SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    return FileEntry(path.stat().st_size, file_sha256(path))
