"""Two test runs on the same images, side by side."""

from __future__ import annotations

from .functional.paired import PairedDifference, paired_difference
from .headline import headline_measures
from .image_result import ImageResult
from .parts import Part
from .results import Results
from .settings import Settings

__all__ = ['check_same_images', 'compare_parts']

_REMEDY = 'test both on the same images, asked for the same labels'


def check_same_images(first: Results, second: Results) -> None:
    """Check that two runs can be compared: the same images, truth and questions.

    The words by which labels were asked, and the order, may differ.

    Raises:
        ValueError: They cannot; the first difference is named.
    """
    if first.classes != second.classes:
        raise ValueError(f'The results have different classes; {_REMEDY}.')
    ids = [{image.image_id for image in results.images} for results in (first, second)]
    lone = sorted(ids[0] ^ ids[1])
    if lone:
        raise ValueError(
            f'{len(lone)} images are in one of the results only, such as {lone[0]!r}; {_REMEDY}.'
        )
    for one, other in zip(first.images, second.images, strict=True):
        name = _difference(one, other)
        if name:
            raise ValueError(f'Image {one.image_id!r} has another {name}; {_REMEDY}.')


def compare_parts(
    first: Part,
    second: Part,
    settings: Settings | None = None,
    *,
    confidence: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """Compare two runs by paired tests over patients.

    Args:
        first: A part of the one, whose images passed :func:`check_same_images`.
        second: The same part of the other.
        settings: Choices.
        confidence: Probability mass of intervals, in (0, 1).
        repeats: Number of resamples.
        seed: Of the resamples.

    Returns:
        Name, of :func:`.headline.headline_measures`, to what the second has more than the first.
    """
    runs = headline_measures([first, second], settings or Settings())
    return {
        name: paired_difference(
            one.clusters, one.measure, confidence=confidence, repeats=repeats, seed=seed
        )
        for name, one in runs.items()
    }


def _difference(one: ImageResult, other: ImageResult) -> str:
    """What two answers to one image do not agree in, empty if they do."""
    for name in ('modality', 'patient_id', 'source'):
        if getattr(one, name) != getattr(other, name):
            return name
    if _asked(one) != _asked(other):
        return 'question'
    if _truth(one) != _truth(other):
        return 'truth'
    return ''


def _asked(image: ImageResult) -> tuple | list:
    return image.phrases if image.asked is None else sorted(image.asked.tolist())


def _truth(image: ImageResult) -> list[tuple]:
    parts = (image.gt_boxes.tolist(), image.gt_labels.tolist(), image.gt_ignore.tolist())
    return sorted(zip(*parts, strict=True))
