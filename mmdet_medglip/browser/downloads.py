"""Results as files to keep."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mmdet_medglip.apis import GroundingResult
from mmdet_medglip.apis.writers import write_results

from .refusal_error import RefusalError

__all__ = ['FORMATS', 'Download', 'make_download']

FORMATS: dict[str, tuple[str, str, str]] = {
    'json': ('json', 'predictions.json', 'application/json'),
    'boxes': ('csv', 'boxes.csv', 'text/csv; charset=utf-8'),
    'phrases': ('csv', 'phrases.csv', 'text/csv; charset=utf-8'),
    'png': ('png', 'pictures/*.png', 'image/png'),
}
"""Kind of file, to the writer, the file it makes, and its media type."""


@dataclass(frozen=True)
class Download:
    """A file to keep.

    Args:
        name: File name.
        media_type: Media type.
        content: Bytes.
    """

    name: str
    media_type: str
    content: bytes


def make_download(result: GroundingResult, kind: str, folder: Path) -> Download:
    """Write a result with the writer of ``medglip predict``.

    Args:
        result: With a view.
        kind: One of :data:`FORMATS`.
        folder: Where files are written on the way, and removed.

    Raises:
        RefusalError: An unknown kind.
    """
    if kind not in FORMATS:
        raise RefusalError(f'A download is one of {", ".join(FORMATS)}, got {kind!r:.40}.')
    writer, pattern, media_type = FORMATS[kind]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for _ in write_results([result], place, [writer]):
            pass
        (path,) = Path(place).glob(pattern)
        content = path.read_bytes()
    name = 'overlay.png' if kind == 'png' else path.name
    return Download(f'medglip_{name}', media_type, content)
