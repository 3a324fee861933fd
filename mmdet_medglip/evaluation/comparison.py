"""Two test runs on the same images, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .functional.average_precision import nan_mean
from .functional.paired import PairedDifference, paired_difference
from .functional.phrase_grounding import judge_phrase
from .functional.resampled_ap import MacroAP50, ResampledAP50
from .measures import Settings
from .parts import Part
from .results import ImageResult, PhraseResult, Results

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
        ``coco/AP50``, ``coco/macro_AP50``, ``phrase/Recall@1`` and ``phrase/SetF1@0.5`` to what the
        second has more than the first; those of detection without label images are left out.
    """
    settings = settings or Settings()
    options = {'confidence': confidence, 'repeats': repeats, 'seed': seed}
    found = {}
    if first.images:
        clusters = [origin.cluster for origin in first.origins]
        images = [*first.images, *second.images]
        modalities = [origin.modality for origin in (*first.origins, *second.origins)]
        ap50 = ResampledAP50(images, first.num_labels, area=first.area)
        macro = MacroAP50(images, modalities, first.num_labels, area=first.area)
        measures = {'coco/AP50': lambda rows: nan_mean(ap50(rows)), 'coco/macro_AP50': macro}
        for name, one in measures.items():
            found[name] = paired_difference(clusters, one, **options)
    if first.phrases:
        phrases = [sorted(part.phrases, key=_place) for part in (first, second)]
        clusters = [phrase.image.cluster for phrase in phrases[0]]
        values = [_judge(of_part, settings) for of_part in phrases]
        for name in values[0]:
            joined = np.concatenate([of_part[name] for of_part in values])
            found[name] = paired_difference(clusters, _mean_of(joined), **options)
    return found


def _mean_of(values: npt.NDArray[np.float64]) -> Callable[[npt.NDArray[np.int64]], float]:
    return lambda rows: nan_mean(values[rows])


def _place(phrase: PhraseResult) -> tuple[str, int, int]:
    """Where a phrase stands, whatever the order of the labels in its prompt."""
    return phrase.image.image_id, -1 if phrase.label is None else phrase.label, phrase.phrase


def _judge(
    phrases: Sequence[PhraseResult], settings: Settings
) -> dict[str, npt.NDArray[np.float64]]:
    """Values of each phrase, NaN where it does not count."""
    recall, f1 = [], []
    for phrase in phrases:
        judged = judge_phrase(
            phrase.boxes,
            phrase.scores,
            phrase.gt_boxes,
            score_threshold=settings.score,
            iou_threshold=settings.iou,
        )
        recall.append(float(judged.rank == 1) if judged.num_truth else np.nan)
        f1.append(judged.f1)
        if phrase.has_crowd:
            recall[-1], f1[-1] = np.nan, np.nan
    return {
        'phrase/Recall@1': np.array(recall),
        f'phrase/SetF1@{settings.iou:g}': np.array(f1),
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
