"""What the browser demo takes at most."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ['Limits']


@dataclass(frozen=True)
class Limits:
    """Bounds of the browser demo, all at least 1.

    Args:
        upload_bytes: All files that a session keeps together, and so each of them.
        files: Files that a session keeps; a DICOM series is one for each slice.
        sessions: Pages that are open at the same time.
        idle_seconds: A session that asks nothing for so long ends, and its files go.
        waiting: Questions that wait for the model or are being answered.
        prompt_characters: Length of a prompt or report.
        open_studies: Studies whose pixels stay in memory, of all sessions together.

    Raises:
        ValueError: One is below 1.
    """

    upload_bytes: int = 200_000_000
    files: int = 600
    sessions: int = 20
    idle_seconds: int = 1800
    waiting: int = 8
    prompt_characters: int = 4000
    open_studies: int = 4

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 1:
                raise ValueError(f'{one.name} must be at least 1, got {getattr(self, one.name)}.')
