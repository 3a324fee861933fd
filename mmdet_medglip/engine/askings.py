"""Test a model several times, asked in other words each time."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, TestLoop

from mmdet_medglip.datasets import HoldOut, MedGroundingDataset
from mmdet_medglip.evaluation.functional.average_precision import ImageDetections, nan_mean
from mmdet_medglip.evaluation.functional.bootstrap import cluster_interval
from mmdet_medglip.evaluation.functional.resampled_ap import ResampledAP50
from mmdet_medglip.evaluation.metrics import MedCocoMetric
from mmdet_medglip.text import WORDINGS, say

__all__ = ['ASKINGS', 'Answers', 'Asking', 'Score', 'test_askings']

_LEVELS = ('class', 'region')
ASKINGS = (*WORDINGS, *_LEVELS, 'shuffled')
"""By what labels are asked: a wording, the name of their class or region, another's name."""


@dataclass(frozen=True)
class Asking:
    """One way to ask.

    Args:
        name: One of :data:`ASKINGS`.

    Raises:
        ValueError: It is none.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in ASKINGS:
            raise ValueError(f'asking must be one of {", ".join(ASKINGS)}, got {self.name!r}.')

    def of_loader(self, loader: Mapping[str, Any]) -> dict[str, Any]:
        """Return a test data loader that asks so.

        Raises:
            ValueError: The pipeline has no ``SamplePrompt``.
        """
        changed = copy.deepcopy(dict(loader))
        dataset = changed['dataset']
        kinds = [str(step['type']).rpartition('.')[2] for step in dataset['pipeline']]
        if 'SamplePrompt' not in kinds:
            raise ValueError('The test pipeline has no SamplePrompt, which asks for labels.')
        at = kinds.index('SamplePrompt')
        if self.name in WORDINGS:
            dataset['pipeline'][at]['wording'] = self.name
        elif self.name in _LEVELS:
            dataset['level'] = self.name
        else:
            dataset['pipeline'].insert(at + 1, dict(type='mmdet_medglip.ShufflePhrases'))
        return changed


@dataclass(frozen=True)
class Score:
    """AP50 over some labels.

    Args:
        labels: Number of labels with truth.
        ap50: Mean over them, NaN without any.
        low: Lower bound of the 95 % interval over patients.
        high: Upper bound.
    """

    labels: int
    ap50: float
    low: float
    high: float


@dataclass(frozen=True)
class Answers:
    """What a model answers to one asking.

    Args:
        asking: The name of the asking.
        seen: Labels, classes or regions of which training saw a label.
        unseen: Those of which all labels were held out.
        unsaid: Ids that cannot be said so, and were asked by name.
    """

    asking: str
    seen: Score
    unseen: Score
    unsaid: tuple[str, ...]


class _Collected(MedCocoMetric):
    """Keep images and patients instead of measuring."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[ImageDetections] = []
        self.patients: list[str | None] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a batch; captions have no labels."""
        before = len(self.results)
        super().process(data_batch, data_samples)
        for found, sample in zip(self.results[before:], data_samples, strict=True):
            if found is not None:
                self.images.append(found[1])
                self.patients.append(sample.get('patient_id'))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return nothing."""
        return {}


def test_askings(runner: Runner, config: Config, names: Sequence[str]) -> list[Answers]:
    """Ask the test images in several ways.

    Args:
        runner: Built from ``config``; its weights are loaded if they are not yet.
        config: Whose ``train_dataloader`` says what was held out.
        names: Of :data:`ASKINGS`.

    Raises:
        ValueError: A name is none of them, or the data cannot be asked so.
    """
    askings = [Asking(name) for name in names]
    runner.call_hook('before_run')
    runner.load_or_resume()
    found = [_test(runner, config, asking) for asking in askings]
    runner.call_hook('after_run')
    return found


test_askings.__test__ = False  # type: ignore[attr-defined]


def _test(runner: Runner, config: Config, asking: Asking) -> Answers:
    loader = runner.build_dataloader(asking.of_loader(config.test_dataloader))
    dataset: MedGroundingDataset = loader.dataset
    metric = _Collected()
    TestLoop(runner, loader, Evaluator([metric])).run()
    vocabulary, ontology = dataset.vocabulary, dataset.ontology
    held = HoldOut(ontology=ontology, **_hold_out(config))
    unsaid: tuple[str, ...] = ()
    if asking.name in WORDINGS:
        unsaid = tuple(i for i in vocabulary.ids if say(ontology, i, asking.name) is None)
    # A class or region is seen if training saw one of its labels.
    seen = {vocabulary.position[label] for label in vocabulary.labels if held.takes_label(label)}
    said = [row for row, node in enumerate(vocabulary.ids) if node not in unsaid]
    parts = ([row for row in said if row in seen], [row for row in said if row not in seen])
    ap50 = ResampledAP50(metric.images, len(vocabulary.ids))
    return Answers(asking.name, *(_score(metric, ap50, labels) for labels in parts), unsaid)


def _hold_out(config: Config) -> dict[str, Any]:
    dataset = (config.get('train_dataloader') or {}).get('dataset') or {}
    return dict(dataset.get('hold_out') or {}) | dict(part='seen')


def _score(metric: _Collected, ap50: ResampledAP50, labels: Sequence[int]) -> Score:
    """AP50 over some labels, by number."""
    if not labels or not metric.images:
        return Score(0, *[float('nan')] * 3)

    def mean(rows: np.ndarray) -> float:
        return nan_mean(ap50(rows)[labels])

    every = np.arange(len(metric.images))
    with_truth = int((~np.isnan(ap50(every)[labels])).sum())
    return Score(with_truth, mean(every), *cluster_interval(metric.patients, mean))
