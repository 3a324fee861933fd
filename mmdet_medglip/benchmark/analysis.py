"""Figures of finished runs, entry by entry: what results.json holds and the report shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from mmdet_medglip.evaluation import Results, load_results
from mmdet_medglip.evaluation.functional.average_precision import nan_mean
from mmdet_medglip.evaluation.functional.error_types import ErrorCounts, count_errors
from mmdet_medglip.evaluation.functional.froc import FALSE_BOXES, froc
from mmdet_medglip.evaluation.functional.operating_point import best_f1_threshold
from mmdet_medglip.evaluation.functional.precision_recall import precision_curve

from .comparison import EntryScores, compare_entries
from .cost import EntryCost, entry_cost
from .execute import RESULTS_FILE, stale_parts
from .plan import Run
from .state import Stage, read_state
from .suite import Suite

__all__ = ['Analysis', 'EntryReport', 'Training', 'analyse']

ALL = 'all'
"""Name of the curve of all images together."""


class Training(msgspec.Struct, frozen=True):
    """One training on the way to an entry, the mean over its seeds.

    Attributes:
        data: Name of the data.
        epochs: Passes over it.
        images: Images that went through the network.
        seconds: Time.
        device: What it ran on.
    """

    data: str
    epochs: float
    images: float
    seconds: float
    device: str


class EntryReport(msgspec.Struct, frozen=True):
    """Everything about one entry.

    Attributes:
        name: Of the entry.
        kind: 'from scratch' or 'fine-tuned' on the data that is tested, else 'zero-shot'.
        config: Config file.
        note: Of the suite.
        seeds: Seeds that are finished.
        scores: AP50 with intervals.
        trainings: All trainings on the way, the last one last; empty for given weights.
        cost: Size of the model and work for an image.
        train_memory: Peak of the last training, in bytes; 0 without one.
        test_memory: Peak of the test, in bytes.
        gpu_memory: Largest memory on an accelerator in training, in bytes.
        images_per_second: At test, with loading.
        test_device: What the test ran on.
        thresholds: Score of the best F1 of each seed.
        errors: Counts at that score, of each seed.
        froc: Sensitivity at ``FALSE_BOXES`` false boxes per image, IoU 0.1, by modality and for
            all; the mean over seeds.
        precision: Precision at recalls 0 to 1 in steps of 0.01, IoU 0.5, likewise.
        stale: What has changed since the results were made.
    """

    name: str
    kind: str
    config: str
    note: str
    seeds: list[int]
    scores: EntryScores
    trainings: list[Training]
    cost: EntryCost
    train_memory: int
    test_memory: int
    gpu_memory: int
    images_per_second: float | None
    test_device: str
    thresholds: list[float]
    errors: list[ErrorCounts]
    froc: dict[str, list[float]]
    precision: dict[str, list[float]]
    stale: list[str]

    @property
    def seconds(self) -> float:
        """Time of all trainings."""
        return sum(training.seconds for training in self.trainings)


class Analysis(msgspec.Struct, frozen=True):
    """Figures of a suite.

    Attributes:
        entries: Finished entries, in the order of the suite.
        modalities: Of the test images.
        images: Number of test images of each modality.
        patients: Number of their patients.
        patients_of: The same of each modality.
        results: Answers of each entry and seed.
        not_run: Why each other entry or seed is not here, by its name.
    """

    entries: list[EntryReport]
    modalities: list[str]
    images: dict[str, int]
    patients: int
    patients_of: dict[str, int]
    results: dict[str, dict[int, Results]]
    not_run: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values, null for NaN."""
        content = {
            'entries': self.entries,
            'test': {'images': self.images, 'patients': self.patients},
            'not_run': self.not_run,
            'froc_false_boxes': list(FALSE_BOXES),
        }
        return _without_nan(msgspec.to_builtins(content))


def analyse(
    suite: Suite,
    runs: Sequence[Run],
    *,
    failed: Mapping[str, str] | None = None,
    repeats: int = 1000,
    on_repeat: Callable[[], None] | None = None,
) -> Analysis:
    """Read and compare the results of all runs that are finished.

    Args:
        suite: The suite.
        runs: Its runs.
        failed: Why runs failed that did, by their name.
        repeats: Resamples of the intervals.
        on_repeat: Called after each resample.

    Raises:
        ValueError: If a result or a state is damaged, or results are of different images.
    """
    finished: dict[str, list[Run]] = {}
    not_run: dict[str, str] = {}
    results: dict[str, dict[int, Results]] = {}
    for run in runs:
        state = read_state(run.folder)
        path = run.folder / RESULTS_FILE
        if state.test is not None and state.test.done and path.is_file():
            finished.setdefault(run.entry.name, []).append(run)
            results.setdefault(run.entry.name, {})[run.seed] = load_results(path)
        else:
            not_run[run.name] = (failed or {}).get(run.name) or run.lack or 'not run yet'
    for entry in suite.entries:
        if entry.name not in {run.entry.name for run in runs}:
            not_run[entry.name] = 'its data is not there'
    reference = suite.reference if suite.reference in results else None
    scores = compare_entries(results, reference, repeats=repeats, on_repeat=on_repeat)
    example = next((one for by_seed in results.values() for one in by_seed.values()), None)
    counts: dict[str, int] = {}
    for image in example.images if example else ():
        counts[image.modality] = counts.get(image.modality, 0) + 1
    modalities = sorted(counts)
    patients: dict[str, set[str]] = {name: set() for name in modalities}
    for image in example.images if example else ():
        # An image without a patient is one of its own.
        patients[image.modality].add(image.patient_id or f'image {image.image_id}')
    return Analysis(
        entries=[
            _entry_report(suite, of_entry, results[name], scores[name], modalities)
            for name, of_entry in finished.items()
        ],
        modalities=modalities,
        images={name: counts[name] for name in modalities},
        patients=next(iter(scores.values())).patients if scores else 0,
        patients_of={name: len(of_modality) for name, of_modality in patients.items()},
        results=results,
        not_run=not_run,
    )


def _entry_report(
    suite: Suite,
    runs: Sequence[Run],
    results: Mapping[int, Results],
    scores: EntryScores,
    modalities: Sequence[str],
) -> EntryReport:
    entry, states = runs[0].entry, [read_state(run.folder) for run in runs]
    tests = [state.test for state in states if state.test]
    trains = [state.train for state in states if state.train]
    rates = [test.images_per_second for test in tests if test.images_per_second]
    detections = [found.detections() for found in results.values()]
    thresholds = [best_f1_threshold(images) for images in detections]
    pairs = zip(detections, thresholds, strict=True)
    stale = dict.fromkeys(name for run in runs for part in stale_parts(run) for name in part)
    return EntryReport(
        name=entry.name,
        kind=_kind(suite, runs[0]),
        config=entry.config,
        note=entry.note,
        seeds=[run.seed for run in runs],
        scores=scores,
        trainings=_trainings(runs),
        cost=entry_cost(runs[0].config, modalities),
        train_memory=max((train.peak_memory for train in trains), default=0),
        test_memory=max(test.peak_memory for test in tests),
        gpu_memory=max((train.peak_gpu_memory for train in trains), default=0),
        images_per_second=float(np.mean(rates)) if rates else None,
        test_device=tests[0].device,
        thresholds=thresholds,
        errors=[count_errors(images, threshold) for images, threshold in pairs],
        froc=_by_modality(results.values(), modalities, _froc),
        precision=_by_modality(results.values(), modalities, _precision),
        stale=list(stale),
    )


def _kind(suite: Suite, run: Run) -> str:
    if run.entry.train_on != suite.test_on:
        return 'zero-shot'
    return 'fine-tuned' if run.parent or run.config.get('load_from') else 'from scratch'


def _trainings(runs: Sequence[Run]) -> list[Training]:
    """Trainings on the way to an entry, the mean over seeds."""
    line: list[list[tuple[Run, Stage]]] = []
    for run in runs:
        steps: list[tuple[Run, Stage]] = []
        step: Run | None = run
        while step is not None:
            train = read_state(step.folder).train
            if step.train_parts and train is not None:
                steps.insert(0, (step, train))
            step = step.parent
        line.append(steps)
    return [
        Training(
            data=of_seeds[0][0].entry.train_on or '',
            epochs=float(np.mean([s.budget.epochs for _, s in of_seeds if s.budget] or [0])),
            images=float(np.mean([s.budget.images for _, s in of_seeds if s.budget] or [0])),
            seconds=float(np.mean([s.seconds for _, s in of_seeds])),
            device=of_seeds[0][1].device,
        )
        for of_seeds in zip(*line, strict=False)
    ]


def _by_modality(
    results: Any, modalities: Sequence[str], curve: Callable[[Results], np.ndarray]
) -> dict[str, list[float]]:
    """Mean over seeds of a curve of each modality and of all images."""
    found: dict[str, list[float]] = {}
    for name in (ALL, *modalities):
        curves = [
            curve(one if name == ALL else one.select(lambda image, m=name: image.modality == m))
            for one in results
        ]
        points = np.stack(curves).T
        found[name] = [nan_mean(of_seeds) for of_seeds in points]
    return found


def _froc(results: Results) -> np.ndarray:
    return froc(results.detections(), len(results.classes)).pooled.at()


def _precision(results: Results) -> np.ndarray:
    return precision_curve(results.detections(), len(results.classes))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
