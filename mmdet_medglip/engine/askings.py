"""Test a model several times, asked in other words each time."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, TestLoop

from mmdet_medglip.datasets import HoldOut, MedGroundingDataset
from mmdet_medglip.evaluation.functional.average_precision import ImageDetections, nan_mean
from mmdet_medglip.evaluation.functional.bootstrap import Interval, cluster_interval
from mmdet_medglip.evaluation.functional.resampled_ap import ResampledAP50
from mmdet_medglip.evaluation.metrics import MedCocoMetric
from mmdet_medglip.evaluation.metrics.samples import read_field
from mmdet_medglip.text import WORDINGS, say

__all__ = ['ASKINGS', 'Answers', 'Asking', 'Score', 'test_askings']

_LEVELS = ('class', 'region')
_SHUFFLED = {'shuffled': 'name', 'shuffled_class': 'class'}
ASKINGS = (*WORDINGS, *_LEVELS, *_SHUFFLED)
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
        asked_by = _SHUFFLED.get(self.name, self.name)
        if asked_by in _LEVELS:
            dataset['level'] = asked_by
        else:
            dataset['pipeline'][at]['wording'] = asked_by
        if self.name in _SHUFFLED:
            dataset['pipeline'].insert(at + 1, dict(type='mmdet_medglip.ShufflePhrases'))
        return changed

    @property
    def control(self) -> str | None:
        """The asking by wrong words that this one is compared with, if any."""
        if self.name in WORDINGS:
            return 'shuffled'
        return 'shuffled_class' if self.name == 'class' else None


@dataclass(frozen=True)
class Score:
    """AP50 over some labels.

    Args:
        labels: Number of labels with truth.
        ap50: Mean over them, NaN without any.
        gain: By how much it is above that of wrong words, over the same labels and patients; None
            if there was no such asking.
    """

    labels: int
    ap50: Interval
    gain: Interval | None = None


@dataclass(frozen=True)
class Answers:
    """What a model answers to one asking.

    Where classes or regions are asked, a class counts as seen with the boxes of its labels that
    training saw, and as unseen with the boxes of the others; what it has of the other kind is
    neither right nor wrong, as a crowd is.

    Args:
        asking: The name of the asking.
        seen: Labels, classes or regions, by boxes of labels that training saw.
        unseen: By boxes of labels that were held out.
        unsaid: Ids that cannot be said so, and do not count.
    """

    asking: str
    seen: Score
    unseen: Score
    unsaid: tuple[str, ...]


class _Collected(MedCocoMetric):
    """Keep images, their patients and the labels of their boxes instead of measuring."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[ImageDetections] = []
        self.patients: list[str | None] = []
        self.labels: list[list[str]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a batch; captions have no labels."""
        before = len(self.results)
        super().process(data_batch, data_samples)
        for found, sample in zip(self.results[before:], data_samples, strict=True):
            if found is not None:
                self.images.append(found[1])
                self.patients.append(sample.get('patient_id'))
                self.labels.append([i['label'] for i in read_field(sample, 'instances')])

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
    found = {asking.name: _test(runner, config, asking) for asking in askings}
    runner.call_hook('after_run')
    return [_answers(asking, found) for asking in askings]


test_askings.__test__ = False  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Tested:
    """What one asking gave.

    Args:
        ap50: By boxes of labels that training saw, and by those of the others.
        patients: Patient of each image.
        said: Indices of the ids that can be said so.
        unsaid: The other ids.
    """

    ap50: tuple[ResampledAP50, ResampledAP50]
    patients: Sequence[str | None]
    said: list[int]
    unsaid: tuple[str, ...]


def _test(runner: Runner, config: Config, asking: Asking) -> _Tested:
    loader = runner.build_dataloader(asking.of_loader(config.test_dataloader))
    dataset: MedGroundingDataset = loader.dataset
    metric = _Collected()
    TestLoop(runner, loader, Evaluator([metric])).run()
    vocabulary, ontology = dataset.vocabulary, dataset.ontology
    held = HoldOut(ontology=ontology, **_hold_out(config))
    seen = [np.array([held.takes_label(i) for i in of_one], bool) for of_one in metric.labels]
    unsaid: tuple[str, ...] = ()
    if asking.name in WORDINGS:
        unsaid = tuple(i for i in vocabulary.ids if say(ontology, i, asking.name) is None)
    ap50 = [
        ResampledAP50(
            [
                dataclasses.replace(image, gt_ignore=image.gt_ignore | (of_one != taken))
                for image, of_one in zip(metric.images, seen, strict=True)
            ],
            len(vocabulary.ids),
        )
        for taken in (True, False)
    ]
    said = [row for row, node in enumerate(vocabulary.ids) if node not in unsaid]
    return _Tested((ap50[0], ap50[1]), metric.patients, said, unsaid)


def _hold_out(config: Config) -> dict[str, Any]:
    dataset = (config.get('train_dataloader') or {}).get('dataset') or {}
    return dict(dataset.get('hold_out') or {}) | dict(part='seen')


def _answers(asking: Asking, found: Mapping[str, _Tested]) -> Answers:
    tested, control = found[asking.name], found.get(asking.control or '')
    scores = [
        _score(tested, tested.ap50[part], control and control.ap50[part]) for part in range(2)
    ]
    return Answers(asking.name, scores[0], scores[1], tested.unsaid)


def _score(tested: _Tested, ap50: ResampledAP50, control: ResampledAP50 | None) -> Score:
    """AP50 over the labels with truth, and how far it is above the control's."""
    every = np.arange(len(tested.patients))
    found = ap50(every)
    labels = [row for row in tested.said if not np.isnan(found[row])]
    if not labels:
        return Score(0, Interval(*[float('nan')] * 3))

    def mean(rows: np.ndarray) -> float:
        return nan_mean(ap50(rows)[labels])

    def gain(rows: np.ndarray) -> float:
        assert control is not None
        return nan_mean((ap50(rows) - control(rows))[labels])

    def interval(measure: Callable[[np.ndarray], float]) -> Interval:
        return Interval(measure(every), *cluster_interval(tested.patients, measure))

    return Score(len(labels), interval(mean), interval(gain) if control else None)
