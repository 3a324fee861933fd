"""What runs beside the model: the transforms of the data loader, and the metrics."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from step_parts import Recorder

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import DATASETS
from mmdet_medglip.testing.phantoms.demo import make_demo_data

__all__ = ['evaluation_ms', 'loading_ms', 'local_tokenizers', 'store_of']


@contextmanager
def store_of(config: Config, data_root: Path | None, patients: int = 8) -> Iterator[Path]:
    """A store: the given one, or phantoms of the config's modalities that last as long as this."""
    if data_root is not None:
        yield data_root
        return
    with tempfile.TemporaryDirectory() as folder:
        modalities = list(config.model.backbone.experts)
        make_demo_data(Path(folder) / 'demo', modalities=modalities, patients=patients)
        yield Path(folder) / 'demo' / 'store'


def local_tokenizers(pipeline: Sequence[dict]) -> list[dict]:
    """A pipeline whose prompts are counted by the bundled vocabulary, which is BERT's."""
    return [
        dict(t, language_model='bundled') if t['type'] == 'SamplePrompt' else dict(t)
        for t in pipeline
    ]


def loading_ms(config: Config, data_root: Path | None) -> dict[str, float]:
    """Milliseconds a training sample spends in each transform, on one core.

    The files lie in the page cache, since every one is read once before.
    """
    recorder = Recorder(time.perf_counter)
    with store_of(config, data_root) as root:
        settings = dict(config.train_dataloader.dataset, data_root=str(root))
        settings['pipeline'] = local_tokenizers(settings['pipeline'])
        dataset = DATASETS.build(settings)
        for index in range(len(dataset)):
            dataset[index]
        for index in range(len(dataset)):
            with recorder.part('read the record'):
                sample = dataset.get_data_info(index)
            for transform in dataset.pipeline.transforms:
                with recorder.part(type(transform).__name__):
                    sample = transform(sample)
    return _per_sample(recorder, len(dataset))


def evaluation_ms(config: Config, batches: Sequence[Sequence[DetDataSample]]) -> dict[str, float]:
    """Milliseconds an image costs the config's validation metrics.

    Args:
        config: Its ``val_evaluator`` is used.
        batches: Predictions on synthetic batches.
    """
    ontology = Ontology.default()
    classes = ontology.labels_of(batches[0][0].metainfo['modality'])
    evaluator = Evaluator(list(config.val_evaluator))
    evaluator.dataset_meta = dict(classes=classes)
    for samples in batches:
        for sample in samples:
            _pack(sample, classes)
    images = sum(map(len, batches))
    for _ in range(2):  # The first time imports the evaluator's backend.
        recorder = Recorder(time.perf_counter)
        for samples in batches:
            with recorder.part('process'):
                evaluator.process(data_samples=samples)
        with recorder.part('compute'):
            evaluator.evaluate(images)
    return _per_sample(recorder, images)


def _per_sample(recorder: Recorder, count: int) -> dict[str, float]:
    return {name: round(spent / count * 1e3, 3) for name, spent in recorder.spent.items()}


def _pack(sample: DetDataSample, classes: Sequence[str]) -> None:
    """Add what the metrics read: labels of the phrases and the truth as records have it."""
    truth = sample.gt_instances
    instances: list[dict[str, Any]] = [
        dict(bbox=box, bbox_label=label, ignore_flag=0)
        for box, label in zip(truth.bboxes.tolist(), truth.labels.tolist(), strict=True)
    ]
    sample.set_metainfo(
        dict(instances=instances, phrase_labels=tuple(classes[: len(sample.metainfo['text'])]))
    )
