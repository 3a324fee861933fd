"""Keep what a test run answered in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS

from ..image_result import ImageResult
from ..result_file import save_results
from ..results import Results
from .above import read_above_boxes
from .samples import (
    asked_labels,
    class_index,
    is_label_sample,
    phrase_names,
    read_closed_set_prediction,
    read_field,
    read_label_truth,
    read_prediction,
    read_presence,
    read_truth,
)

__all__ = ['ResultFileMetric']


@METRICS.register_module()
class ResultFileMetric(BaseMetric):
    """Write answers and truth of all images to a result file, see :mod:`..result_file`.

    Works on label and on caption samples. Its only key is ``results/images``, the number of images
    written. Measures of the file are those of tools/evaluate.py.

    Args:
        out_file: The ``.npz`` file to write; one of an earlier run is replaced.
        closed_set: For detectors without words: their labels index the data set's ``classes``
            rather than phrases. An image counts as asked for its ``phrase_labels``, where the test
            pipeline has them, else for all classes; boxes of other labels are left out.
        config: Name of the config, to be remembered.
        checkpoint: Name of the checkpoint, to be remembered.
        info: More to remember of the run: names and strings.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'results'

    def __init__(
        self,
        out_file: str,
        closed_set: bool = False,
        config: str = '',
        checkpoint: str = '',
        info: Mapping[str, str] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if not out_file.endswith('.npz'):
            raise ValueError(f'out_file must end in .npz, got {out_file!r}.')
        self.out_file = out_file
        self.closed_set = closed_set
        self.config = config
        self.checkpoint = checkpoint
        self.info = dict(info or {})

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep answers and truth of a batch as small arrays.

        Raises:
            ValueError: If a sample lacks a field or names a phrase or label that does not exist.
        """
        read = self._read_closed_set if self.closed_set else self._read
        self.results.extend(read(sample) for sample in data_samples)

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Write the file.

        Args:
            results: Of all images.

        Returns:
            The number of images.

        Raises:
            ValueError: If two images have one id.
            OSError: If the file cannot be written.
        """
        meta = self.dataset_meta or {}
        classes = tuple(meta.get('classes') or ())
        written = Results(
            classes=classes,
            class_names=tuple(meta.get('class_names') or classes),
            images=tuple(results),
            config=self.config,
            checkpoint=self.checkpoint,
            info=self.info,
        )
        save_results(self.out_file, written)
        print_log(f'Results of {len(results)} images: {self.out_file}', logger='current')
        return {'images': len(results)}

    def _read(self, sample: Mapping[str, Any]) -> ImageResult:
        prediction = read_prediction(sample)
        asked = None
        if is_label_sample(sample):
            asked = np.array(asked_labels(sample, class_index(self.dataset_meta)), np.int64)
        above, nodes = read_above_boxes(sample)
        return ImageResult(
            **self._describe(sample, asked),
            phrases=phrase_names(sample),
            boxes=prediction.boxes,
            scores=prediction.scores,
            box_phrases=prediction.labels,
            presence=read_presence(sample, 'scores'),
            above_boxes=above.boxes,
            above_scores=above.scores,
            above_nodes=nodes,
        )

    def _read_closed_set(self, sample: Mapping[str, Any]) -> ImageResult:
        index = class_index(self.dataset_meta)
        classes = tuple(index)
        asked = (
            # Of two names of one label the first stands for it.
            list(dict.fromkeys(asked_labels(sample, index)))
            if is_label_sample(sample)
            else list(range(len(index)))
        )
        prediction = read_closed_set_prediction(sample, asked, len(index))
        return ImageResult(
            **self._describe(sample, np.array(asked, np.int64)),
            phrases=tuple(classes[label] for label in asked),
            boxes=prediction.boxes,
            scores=prediction.scores,
            box_phrases=prediction.labels,
        )

    def _describe(self, sample: Mapping[str, Any], asked: Any) -> dict[str, Any]:
        """Return what an image is, and its truth."""
        if asked is None:
            truth = read_truth(sample)
        else:
            truth = read_label_truth(sample, len(class_index(self.dataset_meta)))
        height, width = read_field(sample, 'ori_shape')[:2]
        return {
            'image_id': str(read_field(sample, 'img_id')),
            'image_path': str(sample.get('img_path') or ''),
            # What a router takes an image for is an answer; the truth is apart then.
            'modality': sample.get('true_modality') or read_field(sample, 'modality'),
            'body_region': sample.get('body_region') or '',
            'source': sample.get('source') or '',
            'patient_id': sample.get('patient_id') or '',
            'height': int(height),
            'width': int(width),
            'asked': asked,
            'gt_boxes': truth.boxes,
            'gt_labels': truth.labels,
            'gt_ignore': truth.ignore,
        }
