"""Results as files to keep."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mmdet_medglip.apis import Failure
from mmdet_medglip.apis.writers import WriteOptions, write_results

from .answer import Answer
from .refusal_error import RefusalError

__all__ = ['FORMATS', 'Download', 'make_download']

FORMATS: dict[str, tuple[str, str, str]] = {
    'json': ('json', 'predictions.json', 'application/json'),
    'boxes': ('csv', 'boxes.csv', 'text/csv; charset=utf-8'),
    'phrases': ('csv', 'phrases.csv', 'text/csv; charset=utf-8'),
    'png': ('png', 'pictures/*.png', 'image/png'),
    'sr': ('sr', 'sr/*.dcm', 'application/dicom'),
    'gsps': ('gsps', 'gsps/*.dcm', 'application/dicom'),
}
"""Kind of file, to the writer, the file it makes, and its media type."""

_OWN_NAMES = {'png': 'overlay.png', 'sr': 'report.dcm', 'gsps': 'presentation.dcm'}
"""Names of files that the writers name by the image, or by a UID."""


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


def make_download(
    answer: Answer, kind: str, folder: Path, options: WriteOptions | None = None
) -> Download:
    """Write a result with the writer of ``medglip predict``.

    Args:
        answer: With a result that has a view.
        kind: One of :data:`FORMATS`.
        folder: Where files are written on the way, and removed.
        options: What DICOM objects say of the model.

    Raises:
        RefusalError: An unknown kind, or one that this answer cannot be written as.
    """
    if kind not in FORMATS:
        raise RefusalError(f'A download is one of {", ".join(FORMATS)}, got {kind!r:.40}.')
    writer, pattern, media_type = FORMATS[kind]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        result = answer.stored if media_type == 'application/dicom' else answer.result
        if result is None:
            raise RefusalError('There is no answer to download.', 404)
        try:
            written = list(write_results([result], place, [writer], options))
        except ModuleNotFoundError as error:
            raise RefusalError(f'This server cannot write DICOM: {error}', 501) from None
        lost = [one for one in written if isinstance(one, Failure)]
        if lost:
            raise RefusalError(_told(lost[0], answer), 422)
        paths = list(Path(place).glob(pattern))
        if not paths:
            raise RefusalError('Nothing was found, so that there is nothing to draw.', 422)
        content = paths[0].read_bytes()
    return Download(f'medglip_{_OWN_NAMES.get(kind, paths[0].name)}', media_type, content)


def _told(failure: Failure, answer: Answer) -> str:
    """Say what is wrong with the names that the owner of the image knows."""
    return failure.reason if answer.study is None else answer.study.told(failure.reason)
