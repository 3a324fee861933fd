"""All measures of a part of the results, by flat names; docs/evaluation.md defines each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .functional.average_precision import nan_mean
from .functional.bootstrap import cluster_interval
from .functional.coco_figures import coco_figures
from .functional.froc import FALSE_BOXES, froc
from .functional.phrase_grounding import judge_phrase, phrase_figures
from .functional.presence import auroc, brier_score, expected_calibration_error
from .functional.resampled_ap import MacroAP50, ResampledAP50
from .parts import Part

__all__ = ['Settings', 'interval_of', 'measure']


@dataclass(frozen=True)
class Settings:
    """Choices that measures depend on.

    Attributes:
        backend: COCO evaluator, 'pycocotools' or 'faster_coco_eval'.
        froc_iou: Least IoU of a box that finds truth, in (0, 1], for FROC.
        iou: Least IoU of a hit of a phrase, in (0, 1].
        score: Boxes from this score on are answered, for sets of boxes and N-acc.
        topk: Numbers of boxes that Recall@k looks at.
        bins: Bins of the ECE.
    """

    backend: str = 'pycocotools'
    froc_iou: float = 0.1
    iou: float = 0.5
    score: float = 0.3
    topk: tuple[int, ...] = (1, 5, 10)
    bins: int = 10


def measure(part: Part, settings: Settings | None = None) -> dict[str, float]:
    """Take all measures.

    Args:
        part: What to look at.
        settings: Choices.

    Returns:
        Name, such as ``coco/AP50``, to value; NaN where there is nothing to measure. Groups that
        nothing belongs to, such as detection of captions alone, have no names.

    Raises:
        ValueError: A setting is out of range.
        ImportError: The backend is not installed.
    """
    settings = settings or Settings()
    found: dict[str, float] = {}
    if part.images:
        coco = coco_figures(part.images, part.num_labels, area=part.area, backend=settings.backend)
        found |= {f'coco/{name}': value for name, value in coco.means().items()}
        macro = MacroAP50(part.images, _modalities(part), part.num_labels, area=part.area)
        found['coco/macro_AP50'] = macro(np.arange(len(part.images)))
        found |= _froc(part, settings)
    if part.phrases:
        found |= _phrases(part, settings)
    return found


def interval_of(
    part: Part, *, confidence: float = 0.95, repeats: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile intervals over patients of the headline measures.

    Args:
        part: What to look at.
        confidence: Probability mass of the interval, in (0, 1).
        repeats: Number of resamples.
        seed: Of the resamples.

    Returns:
        ``coco/AP50`` and ``coco/macro_AP50`` to their bounds; NaN with fewer than two patients.
        Nothing without label images.
    """
    if not part.images:
        return {}
    clusters = [origin.cluster for origin in part.origins]
    ap50 = ResampledAP50(part.images, part.num_labels, area=part.area)
    macro = MacroAP50(part.images, _modalities(part), part.num_labels, area=part.area)
    measures = {'coco/AP50': lambda rows: nan_mean(ap50(rows)), 'coco/macro_AP50': macro}
    return {
        name: cluster_interval(clusters, one, confidence=confidence, repeats=repeats, seed=seed)
        for name, one in measures.items()
    }


def _modalities(part: Part) -> Sequence[str]:
    return [origin.modality for origin in part.origins]


def _froc(part: Part, settings: Settings) -> dict[str, float]:
    curves = froc(part.images, part.num_labels, iou_threshold=settings.froc_iou, area=part.area)
    read = curves.pooled.at()
    found = {f'froc/sensitivity@{x:g}': float(y) for x, y in zip(FALSE_BOXES, read, strict=True)}
    found['froc/CPM'] = curves.pooled.cpm
    found['froc/CPM_labels'] = nan_mean(np.array([curve.cpm for curve in curves.per_label]))
    return found


def _phrases(part: Part, settings: Settings) -> dict[str, float]:
    # What a crowd covers is neither one box nor none.
    phrases = [phrase for phrase in part.phrases if not phrase.has_crowd]
    judged = [
        judge_phrase(
            phrase.boxes,
            phrase.scores,
            phrase.gt_boxes,
            score_threshold=settings.score,
            iou_threshold=settings.iou,
        )
        for phrase in phrases
    ]
    figures = phrase_figures(judged, topk=settings.topk, iou_threshold=settings.iou)
    found = {f'phrase/{name}': value for name, value in figures.items()}
    asked = [phrase for phrase in part.phrases if phrase.label is not None]
    if asked:
        probability = [phrase.presence for phrase in asked]
        present = [phrase.has_crowd or len(phrase.gt_boxes) > 0 for phrase in asked]
        found |= {
            'presence/AUROC': auroc(probability, present),
            'presence/ECE': expected_calibration_error(probability, present, settings.bins),
            'presence/Brier': brier_score(probability, present),
        }
    return found
