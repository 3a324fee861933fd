"""Images of a store with regions, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmdet_medglip.registry import DATASETS
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

from ..ablation.region_source import regions_of
from ..task_text import Task, TaskText, read_task_texts

__all__ = ['RegionTextDataset']


@DATASETS.register_module()
class RegionTextDataset(Dataset):
    """One item is one image, its regions, and all that is asked of it.

    Args:
        data_root: Folder of the store.
        ann_file: Questions or reports, in jsonl, absolute or relative to ``data_root``; one file or
            several. Their images must be in the store; other images of the store are not used.
        task: ``vqa`` or ``report``.
        regions: Arguments of :func:`regions_of`: ``source``, and of predicted ones ``predicted``
            and bounds. ``predicted`` is absolute, or relative to ``data_root``.
        pipeline: Transforms.
        keep_images: Whether packed images stay in memory once they are loaded; only for a pipeline
            that changes nothing at random.
        max_texts: In training, at most so many requests of an image at a time, drawn anew each
            time; None takes all.
        test_mode: Whether all requests are taken.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a line is damaged or is about an image that the store lacks.
    """

    def __init__(
        self,
        data_root: str,
        ann_file: str | Sequence[str],
        task: Task,
        regions: Mapping[str, Any],
        pipeline: Sequence[dict],
        keep_images: bool = False,
        max_texts: int | None = None,
        test_mode: bool = False,
    ) -> None:
        self.store = GroundingStore(data_root)
        self.task = task
        self.test_mode = test_mode
        self.max_texts = max_texts
        options = dict(regions)
        if options.get('predicted') is not None:
            options['predicted'] = Path(data_root) / options['predicted']
        self.regions = regions_of(self.store, **options)
        self.texts: dict[str, list[TaskText]] = {}
        files = [ann_file] if isinstance(ann_file, str) else list(ann_file)
        for file in files:
            for text in read_task_texts(Path(data_root) / file, task):
                self.texts.setdefault(text.image_id, []).append(text)
        rows = {
            image_id: row for row, image_id in enumerate(self.store.column('image_id').to_pylist())
        }
        lost = [image_id for image_id in self.texts if image_id not in rows]
        if lost:
            raise ValueError(
                f'{", ".join(files)} asks about {len(lost)} images that {self.store.root} lacks, '
                f'such as {lost[0]!r}; make the questions of this store with `python '
                f'tools/make_questions.py {data_root}`.'
            )
        self._rows = [(rows[image_id], image_id) for image_id in self.texts]
        self.pipeline = Compose(pipeline)
        self._kept: dict[int, dict] | None = {} if keep_images else None
        self.metainfo = {'task': task, 'regions': options['source']}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, index: int) -> dict:
        """Load one image with its regions and requests."""
        row, image_id = self._rows[index]
        texts = self.texts[image_id]
        if not self.test_mode and self.max_texts is not None and len(texts) > self.max_texts:
            chosen = np.random.choice(len(texts), self.max_texts, replace=False)
            texts = [texts[number] for number in sorted(chosen)]
        packed = self._kept.get(index) if self._kept is not None else None
        if packed is None:
            packed = self._load(row, image_id)
            if self._kept is not None:
                self._kept[index] = packed
        sample = packed['data_samples'].clone()
        sample.set_metainfo({'texts': texts})
        return {'inputs': packed['inputs'], 'data_samples': sample}

    def _load(self, row: int, image_id: str) -> dict:
        record = self.store[row]
        info = _info(record, self.store.image_path(record))
        found = self.regions[image_id]
        info['region_words'] = list(found.labels)
        info['region_boxes'], info['region_scores'] = found.boxes, found.scores
        return self.pipeline(info)


def _info(record: Record, path: Path) -> dict[str, Any]:
    """Return what loading and windowing need to know of an image."""
    fields = (
        'height', 'width', 'modality', 'source', 'patient_id', 'rescale_slope',
        'rescale_intercept', 'rescale_type', 'window',
    )  # fmt: skip
    known = {field: getattr(record, field) for field in fields}
    return {'img_path': str(path), 'img_id': record.image_id, **known}
