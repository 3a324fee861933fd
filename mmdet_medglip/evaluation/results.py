"""What a test run answered and the truth: what every measure starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from .functional.image_detections import ImageDetections
from .image_result import ImageResult, PhraseResult, phrases_of, to_detections

__all__ = ['Results']


@dataclass(frozen=True, eq=False)
class Results:
    """All images of a test run, sorted by ``image_id``, so that their order says nothing.

    Attributes:
        classes: Label ids that label images index; empty for captions alone.
        class_names: Display name of each.
        images: Sorted on construction.
        config: Name of the config, may be empty.
        checkpoint: Name of the checkpoint, may be empty.
        info: More to remember of the run, by name.

    Raises:
        ValueError: Two images of one id, a label that is not in ``classes``, or names that do not
            fit the ids.
    """

    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    images: tuple[ImageResult, ...]
    config: str = ''
    checkpoint: str = ''
    info: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.class_names):
            raise ValueError(
                f'Expected one of class_names for each of the {len(self.classes)} classes, got '
                f'{len(self.class_names)}.'
            )
        if len(set(self.classes)) != len(self.classes):
            raise ValueError('The ids in classes must all be different.')
        images = tuple(sorted(self.images, key=lambda image: image.image_id))
        for one, following in pairwise(images):
            if one.image_id == following.image_id:
                raise ValueError(f'Two images are named {one.image_id!r}; ids must be unique.')
        for image in images:
            image.check_labels(len(self.classes))
        object.__setattr__(self, 'images', images)

    def __len__(self) -> int:
        return len(self.images)

    def select(self, wanted: Callable[[ImageResult], bool]) -> Results:
        """Return the results of some images."""
        return replace(self, images=tuple(image for image in self.images if wanted(image)))

    def detections(self) -> list[ImageDetections]:
        """Return answers and truth of the label images, which detection measures judge."""
        return [to_detections(image) for image in self.images if image.asked is not None]

    def phrases(self) -> Iterator[PhraseResult]:
        """Go through all phrases of all images."""
        for image in self.images:
            yield from phrases_of(image)
