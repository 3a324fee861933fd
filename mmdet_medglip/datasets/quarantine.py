"""Images that could not be read in training, written down instead of stopping it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mmdet_medglip.datasets.unreadable_image_error import UnreadableImageError

__all__ = ['QUARANTINE_FILE', 'Quarantine', 'quarantined']

QUARANTINE_FILE = 'quarantine.jsonl'


class Quarantine:
    """Note images that cannot be read; each process writes whole lines to one file.

    Args:
        most: Distinct images that a process may pass over, at least 1.

    Attributes:
        path: Where lines are written; None for nowhere.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f'max_bad_images must be at least 1, got {most!r}.')
        self.most = most
        self.path: Path | None = None
        self._found: set[str] = set()

    def add(self, epoch: int, image_id: str, path: str, error: Exception) -> None:
        """Note an image.

        Raises:
            UnreadableImageError: They are too many by now.
        """
        self._found.add(image_id)
        if self.path is not None:
            line = dict(epoch=epoch, image_id=image_id, path=path, reason=str(error))
            with self.path.open('ab', buffering=0) as file:
                file.write(json.dumps(line).encode() + b'\n')
        if len(self._found) > self.most:
            raise UnreadableImageError(
                f'{error} It is image {len(self._found)} that cannot be read, more than '
                f'max_bad_images={self.most}: look at the data, or raise it.'
            ) from error


def quarantined(path: Path, epochs: Iterable[int] | None = None) -> dict[str, str]:
    """Read which images were passed over.

    Args:
        path: File that quarantines have written; it need not exist.
        epochs: Only these; None for all.

    Returns:
        Reason by image id, each once. A line that a killed process left unfinished is passed over.
    """
    wanted = None if epochs is None else set(epochs)
    found: dict[str, str] = {}
    for text in path.read_text(encoding='utf-8').splitlines() if path.is_file() else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if wanted is None or line['epoch'] in wanted:
            found.setdefault(line['image_id'], line['reason'])
    return found
