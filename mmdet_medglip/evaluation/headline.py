"""The measures that get intervals and tests, as functions of images drawn with repetitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .functional.average_precision import nan_mean
from .functional.phrase_grounding import judge_phrase
from .functional.resampled_ap import MacroAP50, ResampledAP50
from .image_result import PhraseResult
from .parts import Part
from .settings import Settings

__all__ = ['Headline', 'headline_measures']


class Headline(NamedTuple):
    """One measure of one or more runs.

    Attributes:
        clusters: Patient of each row of the first run.
        measure: Value of rows; those of the second run follow those of the first.
    """

    clusters: list[tuple[str, str, str]]
    measure: Callable[[npt.NDArray[np.int64]], float]


def headline_measures(runs: Sequence[Part], settings: Settings) -> dict[str, Headline]:
    """Prepare the measures.

    Args:
        runs: The same part of one or more runs on the same images.
        settings: Choices.

    Returns:
        ``coco/AP50`` and ``coco/macro_AP50``, whose rows are label images, and ``phrase/Recall@1``
        and ``phrase/SetF1@0.5``, whose rows are phrases; none that the part has no rows for.
    """
    found: dict[str, Headline] = {}
    first = runs[0]
    if first.images:
        images = [image for part in runs for image in part.images]
        modalities = [origin.modality for part in runs for origin in part.origins]
        ap50 = ResampledAP50(images, first.num_labels, area=first.area)
        clusters = [origin.cluster for origin in first.origins]
        found['coco/AP50'] = Headline(clusters, lambda rows: nan_mean(ap50(rows)))
        found['coco/macro_AP50'] = Headline(clusters, MacroAP50(ap50, modalities))
    if first.phrases:
        phrases = [sorted(part.phrases, key=_place) for part in runs]
        clusters = [phrase.image.cluster for phrase in phrases[0]]
        values = np.array([_judge(phrase, settings) for part in phrases for phrase in part])
        for column, name in enumerate(('phrase/Recall@1', f'phrase/SetF1@{settings.iou:g}')):
            found[name] = Headline(clusters, _mean_of(values[:, column]))
    return found


def _mean_of(values: npt.NDArray[np.float64]) -> Callable[[npt.NDArray[np.int64]], float]:
    return lambda rows: nan_mean(values[rows])


def _place(phrase: PhraseResult) -> tuple[str, int, int]:
    """Where a phrase stands, whatever the order of the labels in its prompt."""
    return phrase.image.image_id, -1 if phrase.label is None else phrase.label, phrase.phrase


def _judge(phrase: PhraseResult, settings: Settings) -> tuple[float, float]:
    """Recall@1 and F1 of a phrase, NaN where it does not count."""
    if phrase.has_crowd:
        return float('nan'), float('nan')
    judged = judge_phrase(
        phrase.boxes,
        phrase.scores,
        phrase.gt_boxes,
        score_threshold=settings.score,
        iou_threshold=settings.iou,
    )
    return float(judged.rank == 1) if judged.num_truth else float('nan'), judged.f1
