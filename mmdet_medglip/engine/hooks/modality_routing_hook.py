"""Set the bounds of the modality classifier, and give it to the pipelines that route by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmdet_medglip.datasets.transforms import LoadMedImage, RouteModality, thumbnail_of
from mmdet_medglip.registry import HOOKS

__all__ = ['ModalityRoutingHook']


@HOOKS.register_module()
class ModalityRoutingHook(Hook):
    """Calibrate ``model.modality_classifier`` after each epoch, before the checkpoint is written.

    The validation images are read once, as thumbnails. Before validation and test the classifier
    goes to every ``RouteModality`` of their pipelines that names no checkpoint. It does nothing for
    a model without classifier.

    Args:
        keep: Share of the validation images that must pass, 0..1.
        images: Most validation images that are looked at, taken evenly; 12 kB each.

    Raises:
        ValueError: A number out of its range.
    """

    priority = 'NORMAL'  # before CheckpointHook

    def __init__(self, keep: float = 0.985, images: int = 2000) -> None:
        if not 0 < keep <= 1 or images < 1:
            raise ValueError(f'keep must be in (0, 1] and images >= 1, got {keep!r}, {images!r}.')
        self.keep, self.images = keep, images
        self._known: tuple[Tensor, list[str]] | None = None

    def after_train_epoch(self, runner: Runner) -> None:
        """Set the bounds.

        Raises:
            ValueError: The config has no validation data.
        """
        classifier = _classifier_of(runner)
        if classifier is None:
            return
        if self._known is None:
            self._known = self._read(runner)
        classifier.eval()
        figures = classifier.calibrate(*self._known, keep=self.keep)
        classifier.train()
        for value in classifier.buffers():
            broadcast(value)
        told = ', '.join(f'{name} {value:.4f}' for name, value in figures.items())
        print_log(f'Modality classifier on {len(self._known[1])} images: {told}', logger='current')

    def before_val(self, runner: Runner) -> None:
        """Give the classifier to the validation pipeline."""
        self._hand_over(runner, runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Give the classifier to the test pipeline."""
        self._hand_over(runner, runner.test_dataloader)

    def _hand_over(self, runner: Runner, loader: Any) -> None:
        classifier = _classifier_of(runner)
        if classifier is None or not classifier.is_calibrated:
            return
        for dataset in _leaves(loader.dataset):
            for transform in dataset.pipeline.transforms:
                if isinstance(transform, RouteModality) and transform.checkpoint is None:
                    transform.use(classifier)

    def _read(self, runner: Runner) -> tuple[Tensor, list[str]]:
        """Thumbnails (N, 3, 64, 64) of the validation images, and the modality of each."""
        if runner.val_loop is None:
            raise ValueError(
                'ModalityRoutingHook calibrates on validation images: the config needs '
                'val_dataloader, val_cfg and val_evaluator.'
            )
        datasets = list(_leaves(runner.val_dataloader.dataset))
        load = LoadMedImage()
        thumbnails, modalities = [], []
        places = [(d, i) for d, dataset in enumerate(datasets) for i in range(len(dataset))]
        chosen = np.linspace(0, len(places) - 1, min(self.images, len(places))).astype(int)
        for place in chosen.tolist():
            dataset, index = places[place]
            info = load(datasets[dataset].get_data_info(index))
            thumbnails.append(torch.from_numpy(thumbnail_of(info['img'])).permute(2, 0, 1))
            modalities.append(info.get('true_modality', info['modality']))
        return torch.stack(thumbnails), modalities


def _classifier_of(runner: Runner) -> Any:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return getattr(model, 'modality_classifier', None)


def _leaves(dataset: Any) -> Iterator[Any]:
    """The data sets inside wrappers such as ``ConcatDataset`` and ``RepeatDataset``."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner == [None]:
        yield dataset
        return
    for part in inner:
        yield from _leaves(part)
