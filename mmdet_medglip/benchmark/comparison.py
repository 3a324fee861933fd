"""Scores of entries with intervals, and what they differ by.

The score is AP50 of each modality (the mean over its labels) and *macro AP50*, the mean over
modalities. That of an entry with several seeds is the mean over seeds. Intervals are percentile
bootstraps over patients, resampled among those of the same modalities, so that each modality keeps
its number of patients. All entries see the same resamples: differences are paired.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmdet_medglip.evaluation import Results
from mmdet_medglip.evaluation.comparison import check_same_images
from mmdet_medglip.evaluation.functional.average_precision import nan_mean
from mmdet_medglip.evaluation.functional.bootstrap import (
    Interval,
    cluster_rows,
    quantile_interval,
    resamples,
)
from mmdet_medglip.evaluation.functional.resampled_ap import MacroAP50, ResampledAP50

__all__ = ['MACRO', 'EntryScores', 'compare_entries', 'stratified_resamples']

MACRO = 'macro'
"""Name of the mean over modalities, beside the modalities."""


@dataclass(frozen=True)
class EntryScores:
    """AP50 of one entry.

    Attributes:
        ap50: By modality, and :data:`MACRO`.
        difference: The same, less that of the reference; None for the reference.
        by_seed: Macro AP50 of each seed.
        patients: Number of patients.
    """

    ap50: Mapping[str, Interval]
    difference: Mapping[str, Interval] | None
    by_seed: Mapping[int, float]
    patients: int


def compare_entries(
    results: Mapping[str, Mapping[int, Results]],
    reference: str | None,
    *,
    repeats: int = 1000,
    seed: int = 0,
    on_repeat: Callable[[], None] | None = None,
) -> dict[str, EntryScores]:
    """Score entries on the same images.

    Args:
        results: Of each entry and seed, at least one seed each.
        reference: Entry that the others are compared with; None compares nothing. With several
            seeds, the mean over seeds of one is compared with that of the other.
        repeats: Number of resamples.
        seed: Of the resamples.
        on_repeat: Called after each resample.

    Returns:
        Scores of each entry.

    Raises:
        ValueError: If two results are of other images or labels, or hold no label image.
    """
    if not results:
        return {}
    first = _check(results)
    modalities = [image.modality for image in first.images if image.asked is not None]
    patients = [image.cluster for image in first.images if image.asked is not None]
    measures = {
        name: {s: _measure(found) for s, found in sorted(by_seed.items())}
        for name, by_seed in results.items()
    }
    every = np.arange(len(modalities))
    observed = {name: _score(of_seeds, every) for name, of_seeds in measures.items()}
    names = list(next(iter(observed.values())))
    drawn = {name: np.full((repeats, len(names)), np.nan) for name in results}
    for row, rows in enumerate(stratified_resamples(patients, modalities, repeats, seed)):
        for name, of_seeds in measures.items():
            drawn[name][row] = list(_score(of_seeds, rows).values())
        if on_repeat is not None:
            on_repeat()
    enough = len(cluster_rows(patients)) > 1
    scores = {}
    for name in results:
        base = None if reference in (None, name) else reference
        differences = base and {
            key: observed[name][key] - observed[base][key] for key in observed[name]
        }
        scores[name] = EntryScores(
            ap50=_intervals(observed[name], drawn[name], enough),
            difference=_intervals(differences, drawn[name] - drawn[base], enough)
            if base and differences
            else None,
            by_seed={s: _score({s: m}, every)[MACRO] for s, m in measures[name].items()},
            patients=len(cluster_rows(patients)),
        )
    return scores


def stratified_resamples(
    patients: Sequence[Hashable], modalities: Sequence[str], repeats: int, seed: int = 0
) -> list[npt.NDArray[np.int64]]:
    """Draw patients with replacement, among those of the same modalities.

    Args:
        patients: Patient of each image; None is a patient of its own.
        modalities: Modality of each image.
        repeats: Number of resamples.
        seed: Of the generator.

    Returns:
        Indices of images, with repetitions, of each resample.
    """
    strata: dict[tuple[str, ...], list[npt.NDArray[np.int64]]] = {}
    for rows in cluster_rows(patients):
        strata.setdefault(tuple(sorted({modalities[row] for row in rows})), []).append(rows)
    rng = np.random.default_rng(seed)
    drawn = [resamples(members, repeats, rng) for members in strata.values()]
    return [np.concatenate(parts) for parts in zip(*drawn, strict=True)]


def _measure(results: Results) -> MacroAP50:
    modalities = [image.modality for image in results.images if image.asked is not None]
    return MacroAP50(ResampledAP50(results.detections(), len(results.classes)), modalities)


def _score(of_seeds: Mapping[int, MacroAP50], rows: npt.NDArray[np.int64]) -> dict[str, float]:
    """Mean over seeds of each modality and of their mean."""
    found = [measure.by_modality(rows) for measure in of_seeds.values()]
    means = {name: nan_mean(np.array([one[name] for one in found])) for name in found[0]}
    return {MACRO: nan_mean(np.array(list(means.values()))), **means}


def _intervals(
    observed: Mapping[str, float], drawn: npt.NDArray[np.float64], enough: bool
) -> dict[str, Interval]:
    found = {}
    for column, (name, value) in enumerate(observed.items()):
        values = drawn[:, column][~np.isnan(drawn[:, column])] if enough else np.empty(0)
        found[name] = Interval(value, *quantile_interval(values, 0.95))
    return found


def _check(results: Mapping[str, Mapping[int, Results]]) -> Results:
    """Return one of the results, all of which are of the same images."""
    first: Results | None = None
    for name, by_seed in results.items():
        for seed, found in by_seed.items():
            if first is None:
                first = found
            try:
                check_same_images(first, found)
            except ValueError as error:
                raise ValueError(f'{name!r} (seed {seed}) cannot be compared: {error}') from None
    if first is None or not first.detections():
        raise ValueError('The results hold no image that was asked for labels.')
    return first
