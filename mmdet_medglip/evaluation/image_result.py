"""What a test run answered for one image, and the truth.

Two kinds of images: a *label image* was asked for labels of the data set, each by some words, and
its truth names labels, also such that were not asked. A *caption image* was asked for spans of its
caption; its truth names those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .functional.image_detections import ImageDetections

__all__ = ['ImageResult', 'PhraseResult', 'phrases_of', 'to_detections']


def _no_boxes() -> npt.NDArray[np.float32]:
    return np.empty((0, 4), np.float32)


def _no_scores() -> npt.NDArray[np.float32]:
    return np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class ImageResult:
    """Answers and truth of one image; boxes are xyxy in pixels of the original image.

    Attributes:
        image_id: Names the image; not empty.
        modality: Id of its modality.
        height: Pixels, at least 1.
        width: Pixels, at least 1.
        phrases: Words of each of the P phrases that were asked.
        asked: [P] label that each phrase stands for, an index of ``Results.classes``; None for a
            caption image.
        boxes: [N, 4] float32 answered boxes; N may be 0.
        scores: [N] float32, higher is surer.
        box_phrases: [N] int64 phrase that each box answers.
        gt_boxes: [G, 4] float32 truth; G may be 0.
        gt_labels: [G] int64 index of ``Results.classes``, of a caption image that of a phrase.
        gt_ignore: [G] bool, true for COCO crowds.
        image_path: Where the image was read; may be empty, as all that follow.
        body_region: As the record says.
        source: Data set that the image comes from.
        patient_id: Whose image it is.
        presence: [P] float64 probability in [0, 1] that a phrase is there; None from a detector
            that does not say so.
        above_boxes: [A, 4] float32 boxes that answer by a class or region above the asked labels.
        above_scores: [A] float32.
        above_nodes: Ontology id of each.
        series_id: Volume that the image is a slice of; empty outside volumes.
        slice_index: Its number in the volume; None outside volumes.
        gt_objects: [G] name of the 3-D object that each truth box is a slice of, unique in its
            volume and label; empty where it is not known, which is also what none given means.

    Raises:
        ValueError: A field has another shape, a value out of range or one that is not finite.
    """

    image_id: str
    modality: str
    height: int
    width: int
    phrases: tuple[str, ...]
    asked: npt.NDArray[np.int64] | None
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    box_phrases: npt.NDArray[np.int64]
    gt_boxes: npt.NDArray[np.float32]
    gt_labels: npt.NDArray[np.int64]
    gt_ignore: npt.NDArray[np.bool_]
    image_path: str = ''
    body_region: str = ''
    source: str = ''
    patient_id: str = ''
    presence: npt.NDArray[np.float64] | None = None
    above_boxes: npt.NDArray[np.float32] = field(default_factory=_no_boxes)
    above_scores: npt.NDArray[np.float32] = field(default_factory=_no_scores)
    above_nodes: tuple[str, ...] = ()
    series_id: str = ''
    slice_index: int | None = None
    gt_objects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.gt_objects:
            object.__setattr__(self, 'gt_objects', ('',) * len(self.gt_boxes))
        if not self.image_id:
            raise ValueError('image_id must not be empty.')
        if not (self.height >= 1 and self.width >= 1):
            self._refuse(f'height and width must be at least 1, got {self.height} x {self.width}')
        count = len(self.phrases)
        for boxes, *others in (
            ('boxes', 'scores', 'box_phrases'),
            ('gt_boxes', 'gt_labels', 'gt_ignore', 'gt_objects'),
            ('above_boxes', 'above_scores', 'above_nodes'),
        ):
            shape = np.shape(getattr(self, boxes))
            if len(shape) != 2 or shape[1] != 4:
                self._refuse(f'{boxes} must have the shape [N, 4], got {list(shape)}')
            for other in others:
                if len(getattr(self, other)) != shape[0]:
                    found = len(getattr(self, other))
                    self._refuse(f'{boxes} has {shape[0]} entries but {other} {found}')
        for name in ('asked', 'presence'):
            value = getattr(self, name)
            if value is not None and len(value) != count:
                self._refuse(f'{count} phrases were asked but {name} has {len(value)} entries')
        for name in ('boxes', 'scores', 'gt_boxes', 'above_boxes', 'above_scores'):
            if not np.isfinite(getattr(self, name)).all():
                self._refuse(f'{name} must be finite; the model has probably diverged')
        if self.slice_index is not None and self.slice_index < 0:
            self._refuse(f'slice_index must be at least 0, got {self.slice_index}')
        if self.presence is not None and not ((self.presence >= 0) & (self.presence <= 1)).all():
            self._refuse('presence must lie in [0, 1]')
        self._check_index('box_phrases', count)
        if self.asked is None:
            self._check_index('gt_labels', count)

    @property
    def is_caption(self) -> bool:
        """Whether it was asked for spans of a caption rather than labels."""
        return self.asked is None

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """[N] label of each box; of a caption image, its phrase."""
        return self.box_phrases if self.asked is None else self.asked[self.box_phrases]

    @property
    def volume(self) -> tuple[str, str, str] | None:
        """What slices of one volume share; None outside volumes.

        Series of two patients or sources are two, even if both are called '1'.
        """
        if not self.series_id or self.slice_index is None:
            return None
        return (self.source, self.patient_id, self.series_id)

    @property
    def cluster(self) -> tuple[str, str, str]:
        """What images of one patient share; an image without patient has its own.

        Patients of two sources are two, even if both are called '1'.
        """
        if self.patient_id:
            return ('patient', self.source, self.patient_id)
        return ('image', '', self.image_id)

    def check_labels(self, num_labels: int) -> None:
        """Check what a label image calls a label.

        Raises:
            ValueError: A label is not in [0, ``num_labels``).
        """
        if self.asked is not None:
            self._check_index('asked', num_labels)
            self._check_index('gt_labels', num_labels)

    def _check_index(self, name: str, end: int) -> None:
        values = getattr(self, name)
        if len(values) and not (values.min() >= 0 and values.max() < end):
            self._refuse(f'{name} must lie in [0, {end}), got {values.min()} to {values.max()}')

    def _refuse(self, why: str) -> None:
        raise ValueError(f'Image {self.image_id!r}: {why}.')


@dataclass(frozen=True, eq=False)
class PhraseResult:
    """Answers and truth of one phrase of one image.

    Attributes:
        image: The image.
        phrase: Number of the phrase.
        label: Index of ``Results.classes`` that it stands for; None in a caption image.
        boxes: [N, 4] boxes of the phrase in order of falling score; equal scores keep their order.
        scores: [N] their scores.
        gt_boxes: [G, 4] truth of the phrase without crowds; G = 0 where it is absent.
        has_crowd: Whether there is a crowd of it, so that it is not absent.
        presence: Probability that it is there: the detector's, else the best box score, 0 without
            a box.
    """

    image: ImageResult
    phrase: int
    label: int | None
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    gt_boxes: npt.NDArray[np.float32]
    has_crowd: bool
    presence: float


def to_detections(image: ImageResult) -> ImageDetections:
    """Return a label image as detection measures take it.

    Raises:
        ValueError: It is a caption image.
    """
    if image.asked is None:
        raise ValueError(f'Image {image.image_id!r} was asked for words of a caption, not labels.')
    return ImageDetections(
        boxes=image.boxes,
        scores=image.scores,
        labels=image.labels,
        gt_boxes=image.gt_boxes,
        gt_labels=image.gt_labels,
        gt_ignore=image.gt_ignore,
        asked=image.asked,
    )


def phrases_of(image: ImageResult) -> Sequence[PhraseResult]:
    """Return what each phrase of an image is answered by, in the order of the prompt."""
    order = np.argsort(-image.scores, kind='stable')
    found = []
    for phrase in range(len(image.phrases)):
        label = None if image.asked is None else int(image.asked[phrase])
        rows = order[image.box_phrases[order] == phrase]
        presence = float(image.scores[rows[0]]) if len(rows) else 0.0
        if image.presence is not None:
            presence = float(image.presence[phrase])
        own = image.gt_labels == (phrase if label is None else label)
        found.append(
            PhraseResult(
                image=image,
                phrase=phrase,
                label=label,
                boxes=image.boxes[rows],
                scores=image.scores[rows],
                gt_boxes=image.gt_boxes[own & ~image.gt_ignore],
                has_crowd=bool((own & image.gt_ignore).any()),
                presence=presence,
            )
        )
    return found
