"""Which files are taken, by name and by first bytes."""

from __future__ import annotations

import re

from .refusal_error import RefusalError

__all__ = ['ACCEPTED', 'HEAD_BYTES', 'check_upload', 'shown_name']

HEAD_BYTES = 512
"""So many bytes of a file tell what it is."""
_LONGEST_NAME = 120
_UNSEEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\]+'
)
_GZIP = (b'\x1f\x8b',)
_STARTS: dict[str, tuple[bytes, ...]] = {
    '.png': (b'\x89PNG\r\n\x1a\n',),
    '.jpg': (b'\xff\xd8\xff',),
    '.jpeg': (b'\xff\xd8\xff',),
    '.tif': (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+'),
    '.tiff': (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+'),
    '.bmp': (b'BM',),
    '.gif': (b'GIF8',),
    '.webp': (b'RIFF',),
    '.nii.gz': _GZIP,
    '.mha': (b'ObjectType', b'NDims', b'Comment'),
    '.nrrd': (b'NRRD',),
}
ACCEPTED = (*_STARTS, '.nii', '.dcm')
"""Ends of names. DICOM files may have any name, but not the end of another kind."""


def shown_name(name: str) -> str:
    """Bring the name that a browser gives to one that may be shown: no folder, no unseen signs.

    Args:
        name: Any text.

    Returns:
        1 to 120 characters.
    """
    last = re.split(r'[/\\]', name.strip().rstrip('/\\'))[-1]
    seen = ' '.join(_UNSEEN.sub(' ', last).split())
    if len(seen) > _LONGEST_NAME:  # The end tells the kind.
        seen = f'{seen[: _LONGEST_NAME - 24]}…{seen[-23:]}'
    return seen or 'file'


def check_upload(name: str, head: bytes) -> str:
    """Tell the end that a file is stored with.

    Args:
        name: Of :func:`shown_name`.
        head: Its first :data:`HEAD_BYTES` bytes, or all.

    Returns:
        One of :data:`ACCEPTED`.

    Raises:
        RefusalError: It is empty, of another kind, or not what its name says.
    """
    if not head:
        raise RefusalError(f'{name} is empty; choose another file.')
    lower = name.lower()
    if head[128:132] == b'DICM':
        return '.dcm'
    if lower.endswith(('.mhd', '.nhdr')):
        raise RefusalError(
            f'{name} refers to a second file; save it as one file (.mha, .nrrd or .nii.gz).', 415
        )
    if lower.endswith('.nii'):
        if head[344:347] in (b'n+1', b'ni1') or head[4:7] in (b'n+2', b'ni2'):
            return '.nii'
        raise RefusalError(f'{name} is no NIfTI file by its content.', 415)
    end = next((end for end in sorted(_STARTS, key=len)[::-1] if lower.endswith(end)), None)
    if end is None:
        kinds = ', '.join(ACCEPTED)
        raise RefusalError(f'{name} is of no kind that is read: {kinds}; or any DICOM file.', 415)
    if not head.startswith(_STARTS[end]):
        raise RefusalError(f'{name} is no {end} file by its content; it may be damaged.', 415)
    return end
