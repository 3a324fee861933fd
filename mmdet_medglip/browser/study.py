"""A study: files that belong together, and their images in one order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmdet_medglip.apis import Failure, GroundingResult, ImageSource
from mmdet_medglip.apis.inputs import InputItem, find_items
from mmdet_medglip.apis.reading import ImageToRead, images_of
from mmdet_medglip.routing import AUTO

from .refusal_error import RefusalError

__all__ = ['OpenStudies', 'Study', 'StudyImages']

_NO_MODALITY = 'names no modality'
"""Part of what ``RouteModality`` says without a classifier; its advice is for configs."""


@dataclass(frozen=True, eq=False)
class StudyImages:
    """The images of a study as they are read in one way.

    Args:
        images: In the order of the slider.
        is_volume: Whether planes can be chosen.
        notes: What could not be read.
    """

    images: tuple[ImageToRead, ...]
    is_volume: bool
    notes: tuple[str, ...]


@dataclass(eq=False)
class Study:
    """Files that are looked at together.

    Args:
        folder: With these files alone.
        names: Name of each file in the folder, to the name that its owner knows.
        modality: What is known about it; ``'auto'`` if nothing is.
    """

    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    modality: str = AUTO

    def told(self, text: str) -> str:
        """Put the names that the owner knows in place of paths."""
        for stored, name in self.names.items():
            text = text.replace(str(self.folder / stored), name)
        first = next(iter(self.names.values()), 'study')
        return text.replace(str(self.folder), first)

    def reason(self, failure: Failure) -> str:
        """Why an image has no answer, in words for who looks at the page."""
        if _NO_MODALITY in failure.reason:
            name = self.own_source(failure.source).name
            return f'{name} does not tell its modality; choose it in the list.'
        return self.told(failure.reason)

    def own(self, result: GroundingResult) -> GroundingResult:
        """Return a result whose source has no path of this machine."""
        return replace(result, source=self.own_source(result.source))

    def own_source(self, source: ImageSource) -> ImageSource:
        """Return a source without a path of this machine."""
        volume = None if source.volume is None else self.told(source.volume)
        return replace(source, name=self.told(source.name), path=None, volume=volume)

    def read(self, modality: str, plane: str) -> StudyImages:
        """List the images.

        Args:
            modality: Id or ``'auto'``.
            plane: Of volumes.

        Raises:
            RefusalError: There is none that can be read.
        """
        images: list[ImageToRead] = []
        notes: list[str] = []
        is_volume = False
        for item in find_items([str(self.folder)]):
            if isinstance(item, InputItem):
                try:
                    images += images_of(item, modality=modality, plane=plane)
                    is_volume = is_volume or item.kind == 'volume'
                except (OSError, ValueError) as error:
                    notes.append(self.told(str(error)))
            else:
                notes.append(self.told(item.reason))
        if not images:
            raise RefusalError(notes[0] if notes else 'There is no image; upload one.', 422)
        return StudyImages(tuple(images), is_volume, tuple(notes))


class OpenStudies:
    """The images of the studies that were looked at last; others are read again.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[Study, str, str], StudyImages] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def images(self, study: Study, modality: str, plane: str) -> StudyImages:
        """Return the images of a study.

        Raises:
            RefusalError: As :meth:`Study.read`.
        """
        key = (study, modality, plane)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = study.read(modality, plane)
        with self._lock:
            for other in [one for one in self._kept if one[0] is study]:
                del self._kept[other]
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found

    def forget(self, study: Study) -> None:
        """Drop the images of a study."""
        with self._lock:
            for key in [one for one in self._kept if one[0] is study]:
                del self._kept[key]
