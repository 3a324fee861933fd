"""Parts of the results of a test run: by modality, label, size and more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mmdet_medglip.ontology import Ontology

from .functional.coco_evaluator import ALL_SIZES
from .functional.coco_figures import SIZES
from .functional.grouping import grouped
from .functional.hierarchical_average_precision import expand_to_ancestors
from .functional.image_detections import ImageDetections
from .functional.label_tree import LabelTree
from .image_result import ImageResult, PhraseResult, to_detections
from .results import Results

__all__ = ['PARTS_BY', 'Part', 'parts_of', 'whole']

_OF_IMAGE = ('modality', 'body_region', 'source')
_OF_LABEL = ('label', 'class', 'region')
PARTS_BY = (*_OF_IMAGE, *_OF_LABEL, 'size', 'level')
"""What results can be parted by."""

_UNKNOWN = 'unknown'


@dataclass(frozen=True, eq=False)
class Part:
    """What measures look at.

    Attributes:
        images: Label images that were asked for something in this part, asked for no more.
        origins: Where each comes from, of the same length.
        phrases: Phrases in this part, of label and of caption images.
        num_labels: K; labels of ``images`` are below it.
        area: Least and largest area of truth that counts, in square pixels.
    """

    images: tuple[ImageDetections, ...]
    origins: tuple[ImageResult, ...]
    phrases: tuple[PhraseResult, ...]
    num_labels: int
    area: tuple[float, float] = ALL_SIZES


def whole(results: Results) -> Part:
    """Return everything as one part."""
    return _part(results, results.images)


def parts_of(results: Results, by: str, ontology: Ontology | None = None) -> dict[str, Part]:
    """Part results.

    Args:
        results: Of a test run.
        by: One of :data:`PARTS_BY`. ``modality``, ``body_region`` and ``source`` part images,
            'unknown' where an image does not say; ``label``, ``class`` and ``region`` part what
            was asked, so that an image may be in several; ``size`` parts truth as COCO does, and
            phrases by their largest truth box; ``level`` has what is asked and answered by label,
            class and region, where a label counts for what lies above it
            (:mod:`.functional.hierarchical_average_precision`).
        ontology: Where labels are; by default the packaged one.

    Returns:
        Name to part, in alphabetical order; labels, sizes and levels in theirs. Parts without
        anything are left out.

    Raises:
        ValueError: ``by`` is unknown, or a label is not in the ontology, where it matters.
    """
    if by not in PARTS_BY:
        raise ValueError(f'Results can be parted by {", ".join(PARTS_BY)}, got {by!r}.')
    if by in _OF_IMAGE:
        groups = grouped((getattr(image, by) or _UNKNOWN, image) for image in results.images)
        parts = {name: _part(results, images) for name, images in groups.items()}
    elif by == 'size':
        parts = _by_size(whole(results))
    elif by == 'level':
        parts = _by_level(results, ontology or Ontology.default())
    else:
        everything = whole(results)
        names = _names(results.classes, by, ontology or Ontology.default())
        parts = {name: _with_labels(everything, labels) for name, labels in names.items()}
    return {name: part for name, part in parts.items() if part.images or part.phrases}


def _part(results: Results, images: Iterable[ImageResult]) -> Part:
    images = tuple(images)
    origins = tuple(image for image in images if image.asked is not None)
    own = replace(results, images=images)
    return Part(
        images=tuple(to_detections(image) for image in origins),
        origins=origins,
        phrases=tuple(own.phrases()),
        num_labels=len(results.classes),
    )


def _names(classes: tuple[str, ...], by: str, ontology: Ontology) -> dict[str, set[int]]:
    """Labels of each part, by number."""
    if by == 'label':
        return {label: {number} for number, label in enumerate(classes)}
    pairs = []
    for number, label in enumerate(classes):
        line = (label, *ontology.ancestors(label))
        pairs += [(node, number) for node in line if ontology.level(node) == by]
    return {name: set(numbers) for name, numbers in grouped(pairs).items()}


def _with_labels(part: Part, labels: set[int]) -> Part:
    phrases = tuple(phrase for phrase in part.phrases if phrase.label in labels)
    return replace(_asked(part, labels), phrases=phrases)


def _asked(part: Part, wanted: Collection[int]) -> Part:
    """Ask images for some labels only, and leave out those that are then asked for none."""
    kept = [
        (replace(image, asked=np.array(asked, np.int64)), origin)
        for image, origin in zip(part.images, part.origins, strict=True)
        if (asked := [label for label in image.asked.tolist() if label in wanted])
    ]
    images, origins = zip(*kept, strict=True) if kept else ((), ())
    return replace(part, images=tuple(images), origins=tuple(origins))


def _by_size(everything: Part) -> dict[str, Part]:
    parts: dict[str, list[PhraseResult]] = {name: [] for name in SIZES}
    for phrase in everything.phrases:
        if len(phrase.gt_boxes):
            boxes = phrase.gt_boxes.astype(np.float64)
            area = float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).max())
            name = next(name for name, (_, most) in SIZES.items() if area <= most)
            parts[name].append(phrase)
    return {
        name: replace(everything, phrases=tuple(phrases), area=SIZES[name])
        for name, phrases in parts.items()
    }


def _by_level(results: Results, ontology: Ontology) -> dict[str, Part]:
    everything = whole(results)
    tree = LabelTree.of_labels(ontology, results.classes)
    expanded = replace(
        everything,
        images=tuple(
            expand_to_ancestors(_with_above(image, origin, tree.index), tree)
            for image, origin in zip(everything.images, everything.origins, strict=True)
        ),
        num_labels=len(tree),
    )
    parts = {}
    for level in _OF_LABEL:
        nodes = {node for node, of_node in enumerate(tree.levels) if of_node == level}
        phrases = tuple(phrase for phrase in everything.phrases if phrase.label in nodes)
        parts[level] = replace(_asked(expanded, nodes), phrases=phrases)
    return parts


def _with_above(
    image: ImageDetections, origin: ImageResult, index: Mapping[str, int]
) -> ImageDetections:
    """Add answers by what lies above the labels that were asked."""
    unknown = [node for node in origin.above_nodes if node not in index]
    if unknown:
        raise ValueError(
            f'Image {origin.image_id!r} is answered by {unknown[0]!r}, which lies above none of '
            'the labels.'
        )
    labels = np.array([index[node] for node in origin.above_nodes], np.int64)
    return replace(
        image,
        boxes=np.concatenate([image.boxes, origin.above_boxes]),
        scores=np.concatenate([image.scores, origin.above_scores]),
        labels=np.concatenate([image.labels, labels]),
    )
