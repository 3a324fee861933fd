"""What regions are worth: conditions side by side, with paired tests over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmdet_medglip.evaluation.functional.bootstrap import Interval, cluster_interval
from mmdet_medglip.evaluation.functional.paired import PairedDifference, paired_difference

from .scored_item import MEASURES, ScoredItem, ratio

__all__ = ['Gain', 'compare_conditions']

Runs = Mapping[str, Mapping[int, Sequence[ScoredItem]]]
"""Items by condition and seed."""


@dataclass(frozen=True)
class Gain:
    """One measure of all conditions.

    Attributes:
        measure: One of :data:`MEASURES`.
        items: Number of answers or reports of one run.
        patients: Number of patients.
        values: By condition, over all seeds.
        by_seed: By condition, one value for each seed.
        differences: By condition, what it has more than the reference; the reference is left out.
        difference_by_seed: Likewise, for each seed.
    """

    measure: str
    items: int
    patients: int
    values: Mapping[str, Interval]
    by_seed: Mapping[str, tuple[float, ...]]
    differences: Mapping[str, PairedDifference]
    difference_by_seed: Mapping[str, tuple[float, ...]]


def compare_conditions(
    runs: Runs, reference: str = 'none', *, repeats: int = 1000, seed: int = 0
) -> list[Gain]:
    """Compare all conditions with one of them.

    Patients are resampled, for both conditions and all seeds together: intervals say what other
    patients would give, for a model trained as often as here.

    Args:
        runs: Items by condition and seed: the same seeds for each condition, the same items for
            each run.
        reference: Condition to compare with.
        repeats: Number of resamples.
        seed: Of the resamples.

    Returns:
        One for each measure that occurs, in the order of :data:`MEASURES`.

    Raises:
        ValueError: If the reference is missing, or the runs are not of the same seeds and items.
    """
    if reference not in runs:
        raise ValueError(f'The conditions are {", ".join(runs)}; expected {reference!r} in them.')
    seeds = sorted(runs[reference])
    _check(runs, seeds, reference)
    found = []
    for measure in MEASURES:
        chosen = {
            condition: [[item for item in of_seed[one] if item.measure == measure] for one in seeds]
            for condition, of_seed in runs.items()
        }
        if not chosen[reference][0]:
            continue
        found.append(_gain(measure, chosen, reference, repeats, seed))
    return found


def _gain(
    measure: str,
    chosen: Mapping[str, list[list[ScoredItem]]],
    reference: str,
    repeats: int,
    seed: int,
) -> Gain:
    by_seed = {name: tuple(ratio(items) for items in of) for name, of in chosen.items()}
    flat = {name: [item for items in of for item in items] for name, of in chosen.items()}
    patients = [item.patient_id for item in flat[reference]]
    values, differences = {}, {}
    for name, items in flat.items():
        measured = _ratio_of(items)
        low, high = cluster_interval(patients, measured, repeats=repeats, seed=seed)
        values[name] = Interval(ratio(items), low, high)
        if name != reference:
            both = _ratio_of([*flat[reference], *items])
            differences[name] = paired_difference(patients, both, repeats=repeats, seed=seed)
    return Gain(
        measure=measure,
        items=len(chosen[reference][0]),
        patients=len(set(patients)),
        values=values,
        by_seed=by_seed,
        differences=differences,
        difference_by_seed={
            name: tuple(own - other for own, other in zip(of, by_seed[reference], strict=True))
            for name, of in by_seed.items()
            if name != reference
        },
    )


class _ratio_of:  # noqa: N801 - used as a function
    """Measure of items given by their positions."""

    def __init__(self, items: Sequence[ScoredItem]) -> None:
        self._part = np.array([item.part for item in items])
        self._whole = np.array([item.whole for item in items])

    def __call__(self, rows: npt.NDArray[np.int64]) -> float:
        whole = float(self._whole[rows].sum())
        return float(self._part[rows].sum()) / whole if whole else float('nan')


def _check(runs: Runs, seeds: Sequence[int], reference: str) -> None:
    wanted = [(item.item_id, item.patient_id) for item in runs[reference][seeds[0]]]
    for condition, of_seed in runs.items():
        if sorted(of_seed) != list(seeds):
            raise ValueError(
                f'Condition {condition!r} has the seeds {sorted(of_seed)}, {reference!r} has '
                f'{list(seeds)}; run the same for each.'
            )
        for one, items in of_seed.items():
            if [(item.item_id, item.patient_id) for item in items] != wanted:
                raise ValueError(
                    f'Condition {condition!r} with seed {one} was tested on other questions or '
                    f'reports than {reference!r}; test all on the same.'
                )
