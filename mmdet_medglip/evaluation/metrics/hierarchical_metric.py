"""AP per level of the hierarchy, and how often a child is above its parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import InstanceData

from mmdet_medglip.answers.hierarchy import LEVELS, family_of, inconsistent_pairs
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import METRICS
from mmdet_medglip.visualization.table import render_table

from ..functional.average_precision import ImageDetections
from ..functional.grouping import grouped
from ..functional.hierarchical_average_precision import (
    HierarchicalAveragePrecision,
    hierarchical_average_precision,
)
from ..functional.label_tree import LabelTree
from .above import read_above
from .samples import (
    Regions,
    asked_labels,
    class_index,
    is_label_sample,
    read_field,
    read_label_truth,
    read_prediction,
)

__all__ = ['HierarchicalMetric']


@dataclass(frozen=True)
class _Judged:
    """What is kept of one label sample."""

    modality: str
    image: ImageDetections
    inconsistent: int


@METRICS.register_module()
class HierarchicalMetric(BaseMetric):
    """AP of labels, classes and regions, see :mod:`..functional.hierarchical_average_precision`.

    Keys (with the prefix 'hierarchy'): ``hierarchy/label/AP50``, ``hierarchy/class/AP50``,
    ``hierarchy/region/AP50``, the same with ``AP``, and per modality ``hierarchy/ct/class/AP50``;
    NaN, or no key for a modality, without truth. ``hierarchy/inconsistent_pairs`` is the number of
    pairs, over all images, of a box and a phrase asked for above it that has no box there as good.
    Boxes that the detector answers by what it was not asked for (``pred_ancestors``) count, too.
    Caption samples are left out: they have phrases, not labels.

    Args:
        iou_threshold: Least overlap of boxes at one place, for doubles and for consistency.
        max_detections: Best-scored boxes kept per image and node (COCO: 100).
        backend: 'pycocotools' or 'faster_coco_eval'.
        ontology: YAML file of an own ontology; by default the packaged one.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'hierarchy'

    def __init__(
        self,
        iou_threshold: float = 0.6,
        max_detections: int = 100,
        backend: str = 'pycocotools',
        ontology: str = '',
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections
        self.backend = backend
        self.ontology = Ontology.from_yaml(ontology) if ontology else Ontology.default()

    @property
    def _tree(self) -> LabelTree:
        return LabelTree.of_labels(self.ontology, tuple(class_index(self.dataset_meta)))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep boxes, scores and nodes of a batch as small arrays.

        Raises:
            ValueError: If a sample lacks a field, or asks for or answers by a node that is neither
                a label of the data set nor above one.
        """
        tree = self._tree
        for sample in data_samples:
            # None keeps one result per sample, which the exchange between ranks counts on.
            self.results.append(self._read(sample, tree) if is_label_sample(sample) else None)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average precision per level of all collected results, printed as a table.

        Args:
            results: One for each label sample, None for each caption sample.

        Returns:
            Flat keys without the prefix -> AP in [0, 1] or NaN, and the number of pairs.
        """
        judged: list[_Judged] = [result for result in results if result is not None]
        by_modality = grouped((one.modality, one.image) for one in judged)
        total = self._average_precision([one.image for one in judged])
        metrics, rows = _of_levels('', total), _rows('all', len(judged), total)
        for modality, images in by_modality.items():
            found = total if len(by_modality) == 1 else self._average_precision(images)
            if found.nodes.num_truth.any():
                metrics |= _of_levels(f'{modality}/', found)
                rows += _rows(modality, len(images), found)
        metrics['inconsistent_pairs'] = sum(one.inconsistent for one in judged)
        columns = ('modality / level', 'images', 'nodes', 'boxes', 'AP', 'AP50')
        print_log(render_table('Average precision by level', columns, rows), logger='current')
        return metrics

    def _average_precision(self, images: Sequence[ImageDetections]) -> HierarchicalAveragePrecision:
        return hierarchical_average_precision(
            images,
            self._tree,
            double_iou=self.iou_threshold,
            max_detections=self.max_detections,
            backend=self.backend,
        )

    def _read(self, sample: Mapping[str, Any], tree: LabelTree) -> _Judged:
        index = tree.index
        asked = np.array(asked_labels(sample, index), np.int64)
        prediction = read_prediction(sample)
        truth = read_label_truth(sample, len(class_index(self.dataset_meta)))
        above, above_asked = read_above(sample, index)
        _check_above(sample, asked, above, tree)
        image = ImageDetections(
            boxes=np.concatenate([prediction.boxes, above.boxes]),
            scores=np.concatenate([prediction.scores, above.scores]),
            labels=np.concatenate([asked[prediction.labels], above.labels]),
            gt_boxes=truth.boxes,
            gt_labels=truth.labels,
            gt_ignore=truth.ignore,
            asked=asked,
        )
        pairs = self._inconsistent_pairs(image, [*asked.tolist(), *above_asked], tree)
        return _Judged(read_field(sample, 'modality'), image, pairs)

    def _inconsistent_pairs(
        self, image: ImageDetections, asked: Sequence[int], tree: LabelTree
    ) -> int:
        family = family_of(tuple(tree.ids[node] for node in asked), self.ontology)
        entry = {node: i for i, node in enumerate(family.nodes)}
        labels = [entry[tree.ids[node]] for node in image.labels.tolist()]
        found = InstanceData(
            bboxes=torch.from_numpy(image.boxes),
            scores=torch.from_numpy(image.scores),
            labels=torch.tensor(labels, dtype=torch.long),
        )
        return inconsistent_pairs(found, family, self.iou_threshold)


def _check_above(
    sample: Mapping[str, Any], asked: npt.NDArray[np.int64], above: Regions, tree: LabelTree
) -> None:
    follows = {node for label in asked.tolist() for node in tree.ancestors[label]}
    strange = sorted(set(above.labels.tolist()).difference(follows))
    if strange:
        raise ValueError(
            f'Image {sample.get("img_id")!r}: pred_ancestors answers by {tree.ids[strange[0]]!r}, '
            'which lies above none of the labels that were asked.'
        )


def _of_levels(prefix: str, found: HierarchicalAveragePrecision) -> dict[str, float]:
    metrics = {}
    for level in LEVELS:
        result = found.of_level(level)
        metrics |= {f'{prefix}{level}/AP': result.ap, f'{prefix}{level}/AP50': result.ap50}
    return metrics


def _rows(name: str, images: int, found: HierarchicalAveragePrecision) -> list[tuple]:
    rows = []
    for level in LEVELS:
        result = found.of_level(level)
        counted = result.num_truth
        nodes, boxes = int((counted > 0).sum()), int(counted.sum())
        rows.append((f'{name} / {level}', images, nodes, boxes, result.ap, result.ap50))
    return rows
