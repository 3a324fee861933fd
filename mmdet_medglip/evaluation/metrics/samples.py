"""Read what the metrics need from the data samples that MMEngine's evaluator hands over.

The test pipeline must pack ``img_id, modality, text, instances`` and, for records with labels,
``phrase_labels`` (label id of each phrase), for records with a caption ``phrases``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    'Regions',
    'asked_labels',
    'class_index',
    'is_label_sample',
    'phrase_names',
    'read_array',
    'read_boxes',
    'read_closed_set_prediction',
    'read_field',
    'read_label_truth',
    'read_prediction',
    'read_presence',
    'read_truth',
    'truth_labels',
]


@dataclass(frozen=True)
class Regions:
    """Boxes of one image.

    Args:
        boxes: [N, 4] float32 xyxy in pixels of the original image, N may be 0.
        labels: [N] int64; see the function that made it for what it indexes.
        scores: [N] float32, all 1 for truth.
        ignore: [N] bool, all false for predictions.
    """

    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    ignore: npt.NDArray[np.bool_]

    def of_label(self, label: int) -> npt.NDArray[np.bool_]:
        """[N] true where the label is ``label`` and the box is not to be ignored."""
        return (self.labels == label) & ~self.ignore


def read_field(sample: Mapping[str, Any], field: str) -> Any:
    """One field of a data sample.

    Raises:
        ValueError: If the sample does not carry it.
    """
    value = sample.get(field)
    if value is None:
        raise ValueError(
            f'The data sample of image {sample.get("img_id")!r} has no {field!r}: list it in '
            '`meta_keys` of PackDetInputs in the val and test pipelines.'
        )
    return value


def is_label_sample(sample: Mapping[str, Any]) -> bool:
    """Whether phrases stand for label ids (detection) rather than spans of a caption."""
    return sample.get('phrase_labels') is not None


def phrase_names(sample: Mapping[str, Any]) -> tuple[str, ...]:
    """Phrases of the prompt in the order that predictions index them."""
    phrases = read_field(sample, 'text' if is_label_sample(sample) else 'phrases')
    if isinstance(phrases, str) or not isinstance(phrases, Sequence):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: expected a list of phrases, got {phrases!r}.'
        )
    return tuple(phrases)


def class_index(dataset_meta: Mapping[str, Any] | None) -> dict[str, int]:
    """Number of each label id of the data set, as ``instances`` use it; none for captions alone.

    Raises:
        ValueError: If the data set does not say its label ids.
    """
    classes = (dataset_meta or {}).get('classes')
    if classes is None:
        raise ValueError(
            "Metrics of label prompts need the label ids of the data set in metainfo['classes'], "
            f'got {classes!r}.'
        )
    return {label: number for number, label in enumerate(classes)}


def asked_labels(sample: Mapping[str, Any], index: Mapping[str, int]) -> list[int]:
    """Number of the label that each phrase of a label sample stands for.

    Raises:
        ValueError: If a label is not one of the data set.
    """
    labels = read_field(sample, 'phrase_labels')
    unknown = [label for label in labels if label not in index]
    if unknown:
        raise ValueError(
            f'Image {sample.get("img_id")!r}: the prompt asks for labels {unknown} that are not '
            f"in the data set's metainfo['classes'] ({len(index)} labels)."
        )
    return [index[label] for label in labels]


def truth_labels(sample: Mapping[str, Any], dataset_meta: Mapping[str, Any] | None) -> list[int]:
    """``bbox_label`` of the truth of each phrase: a label of the data set, or the phrase itself."""
    if is_label_sample(sample):
        return asked_labels(sample, class_index(dataset_meta))
    return list(range(len(phrase_names(sample))))


def read_truth(sample: Mapping[str, Any]) -> Regions:
    """Truth in original pixels; ``labels`` as the data set gives them.

    Label samples index ``dataset_meta['classes']``, caption samples index their phrases.

    Raises:
        ValueError: If the sample carries no ``instances``.
    """
    instances = read_field(sample, 'instances')
    boxes = np.array([instance['bbox'] for instance in instances], np.float32).reshape(-1, 4)
    return Regions(
        boxes=boxes,
        labels=np.array([instance['bbox_label'] for instance in instances], np.int64),
        scores=np.ones(len(boxes), np.float32),
        ignore=np.array([instance.get('ignore_flag', 0) for instance in instances], bool),
    )


def read_label_truth(sample: Mapping[str, Any], num_labels: int) -> Regions:
    """Truth of a label sample, see :func:`read_truth`.

    Raises:
        ValueError: If the sample carries no ``instances``, or names a label outside the
            ``num_labels`` of the data set.
    """
    truth = read_truth(sample)
    if len(truth.labels) and not (truth.labels.min() >= 0 and truth.labels.max() < num_labels):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: `instances` name labels {truth.labels.min()} to '
            f"{truth.labels.max()}, but metainfo['classes'] has {num_labels}."
        )
    return truth


def read_prediction(sample: Mapping[str, Any]) -> Regions:
    """Predictions in original pixels; ``labels`` index the phrases of the prompt.

    Where ``ClosedSetPrompt`` asked, the detector answers by labels of the data set; its boxes of
    labels that were not asked are left out.

    Raises:
        ValueError: If predictions are missing, of unequal lengths or name a phrase that was not
            asked.
    """
    closed_set = sample.get('closed_set')
    if closed_set is not None:
        return read_closed_set_prediction(sample, closed_set['asked'], closed_set['num_labels'])
    return read_boxes(sample, len(phrase_names(sample)), 'phrases')


def read_closed_set_prediction(
    sample: Mapping[str, Any], asked: Sequence[int], num_labels: int
) -> Regions:
    """Predictions of a detector without words, whose labels are those of the data set.

    Args:
        sample: With ``pred_instances``.
        asked: Distinct labels that the image is judged by.
        num_labels: Number of labels of the data set.

    Returns:
        Predictions in original pixels of the labels in ``asked``; ``labels`` are positions in it.

    Raises:
        ValueError: If predictions are missing, of unequal lengths or name another label.
    """
    found = read_boxes(sample, num_labels, 'labels')
    position = np.full(num_labels, -1, np.int64)
    position[list(asked)] = np.arange(len(asked))
    kept = position[found.labels] >= 0
    return Regions(
        found.boxes[kept], position[found.labels[kept]], found.scores[kept], found.ignore[kept]
    )


def read_boxes(sample: Mapping[str, Any], count: int, what: str) -> Regions:
    """Predictions in original pixels, whatever their labels index.

    Args:
        sample: With ``pred_instances``.
        count: Labels are in [0, ``count``).
        what: What the detector was asked for, 'phrases' or 'labels', for errors.

    Raises:
        ValueError: If predictions are missing, of unequal lengths or have another label.
    """
    instances = read_field(sample, 'pred_instances')
    boxes = read_array(instances['bboxes'], np.float32).reshape(-1, 4)
    scores = read_array(instances['scores'], np.float32)
    labels = read_array(instances['labels'], np.int64)
    if not len(boxes) == len(scores) == len(labels):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: predictions have {len(boxes)} boxes, {len(scores)} '
            f'scores and {len(labels)} labels; the numbers must be equal.'
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < count):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: predictions name {what} {labels.min()} to '
            f'{labels.max()}, but {count} were asked.'
        )
    return Regions(boxes, labels, scores, np.zeros(len(boxes), bool))


def read_presence(sample: Mapping[str, Any], field: str) -> npt.NDArray[np.float64] | None:
    """One value of ``pred_presence`` for each phrase, such as its ``scores`` or ``logits``.

    Returns:
        [P] in prompt order; None if the detector says nothing about presence.

    Raises:
        ValueError: If it is not one value for each phrase.
    """
    presence = sample.get('pred_presence')
    if presence is None:
        return None
    values = read_array(presence[field], np.float32).astype(np.float64)
    asked = len(phrase_names(sample))
    if values.shape != (asked,):
        raise ValueError(
            f'Image {sample.get("img_id")!r}: pred_presence.{field} has shape '
            f'{list(values.shape)}, but {asked} phrases were asked.'
        )
    return values


def read_array(values: Any, dtype: npt.DTypeLike) -> npt.NDArray:
    """Values of a tensor on any device, of boxes of MMDetection or of a list, as an array."""
    values = getattr(values, 'tensor', values)
    if hasattr(values, 'detach'):
        values = values.detach().cpu().float() if dtype == np.float32 else values.detach().cpu()
    return np.asarray(values, dtype=dtype)
