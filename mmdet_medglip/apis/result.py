"""What the inferencer answers: small frozen records, and their other forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mmdet_medglip.structures import Box

from .question import Question

__all__ = ['Failure', 'FoundBox', 'GroundingResult', 'ImageSource', 'PhraseAnswer']


@dataclass(frozen=True)
class ImageSource:
    """Where an image comes from.

    Args:
        name: What it is called: its path, or ``'array 0'`` for the first input in memory. A slice
            has its number after ``#``.
        path: File; None for an image in memory.
        slice_index: Slice or frame, from 0; None for a file of one image. Slices of a DICOM series
            are numbered along its normal, those of other volumes as ``plane`` says.
        volume: Name of the series or volume that the slice belongs to; None for single images.
        plane: Plane that a volume file was cut in: ``axial`` slices are numbered from the feet up,
            ``coronal`` from the front, ``sagittal`` from the right. None where pixels are as
            stored.
        input_index: Which of the inputs it belongs to, from 0.
    """

    name: str
    path: str | None = None
    slice_index: int | None = None
    volume: str | None = None
    plane: str | None = None
    input_index: int = 0


@dataclass(frozen=True)
class Failure:
    """An input without an answer.

    Args:
        source: Which.
        stage: ``'find'``, ``'read'``, ``'predict'`` or ``'write'``.
        reason: One sentence: what is wrong and what to do.
    """

    source: ImageSource
    stage: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**_source_dict(self.source), 'stage': self.stage, 'reason': self.reason}


@dataclass(frozen=True)
class FoundBox:
    """One box.

    Args:
        bbox: ``(x1, y1, x2, y2)`` in pixels of the original image, half open.
        score: In [0, 1].
        name: What it is: the phrase, or with ``level`` what lies above it.
        phrase: Index of the phrase; None for what the prompt does not name.
        level: ``'label'``, ``'class'`` or ``'region'`` where the hierarchy is used; else None.
    """

    bbox: Box
    score: float
    name: str
    phrase: int | None
    level: str | None = None


@dataclass(frozen=True)
class PhraseAnswer:
    """The answer to one phrase.

    Args:
        phrase: The words.
        negated: Whether the prompt says that it is not there.
        present: Whether it is there: by the model's presence rule, else by having a box.
        probability: Of being there, in [0, 1]; None for a model that does not tell.
        boxes: Number of its boxes.
        best_score: Of its boxes; None without a box.
    """

    phrase: str
    negated: bool
    present: bool
    probability: float | None = None
    boxes: int = 0
    best_score: float | None = None

    @property
    def contradicts(self) -> bool:
        """Whether the image speaks against the words: said to be absent, and found."""
        return self.negated and self.present


@dataclass(frozen=True, eq=False)
class GroundingResult:
    """The answer to one image.

    Args:
        source: Which image.
        height: Of the original image in pixels.
        width: Of the original image in pixels.
        question: What was asked.
        boxes: Best first, none below the score threshold; possibly none.
        answers: One for each phrase, in their order.
        modality: The modality that was used; ``'unrouted'`` if none was found, which gives no box.
        routed_by: How it was decided, see :class:`mmdet_medglip.routing.Route`.
        modality_confidence: In [0, 1]; 1 where it was given or read from a header.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)``; None if unknown.
        view: uint8 (h, w, 3) RGB, the image as the network's window shows it, perhaps smaller
            than the original; None unless it was asked for.
    """

    source: ImageSource
    height: int
    width: int
    question: Question
    boxes: tuple[FoundBox, ...]
    answers: tuple[PhraseAnswer, ...]
    modality: str
    routed_by: str = 'given'
    modality_confidence: float = 1.0
    spacing_mm: tuple[float, float] | None = None
    view: npt.NDArray[np.uint8] | None = field(default=None, repr=False)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The words that were asked for."""
        return self.question.phrases

    @property
    def xyxy(self) -> npt.NDArray[np.float32]:
        """(n, 4) corners of the boxes in pixels of the original image, half open."""
        return np.array([box.bbox for box in self.boxes], np.float32).reshape(-1, 4)

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """(n,) scores of the boxes, best first."""
        return np.array([box.score for box in self.boxes], np.float32)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each box."""
        return tuple(box.name for box in self.boxes)

    @property
    def contradictions(self) -> tuple[PhraseAnswer, ...]:
        """Phrases that the prompt says are absent and the image shows."""
        return tuple(answer for answer in self.answers if answer.contradicts)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, without the picture."""
        return {
            **_source_dict(self.source),
            'height': self.height,
            'width': self.width,
            'modality': self.modality,
            'routed_by': self.routed_by,
            'modality_confidence': round(self.modality_confidence, 4),
            'spacing_mm': None if self.spacing_mm is None else list(self.spacing_mm),
            'boxes': [
                {
                    'bbox': [round(value, 2) for value in box.bbox],
                    'score': round(box.score, 4),
                    'name': box.name,
                    'phrase': box.phrase,
                    **({} if box.level is None else {'level': box.level}),
                }
                for box in self.boxes
            ],
            'phrases': [
                {
                    'phrase': answer.phrase,
                    'negated': answer.negated,
                    'present': answer.present,
                    'probability': _rounded(answer.probability),
                    'boxes': answer.boxes,
                    'best_score': _rounded(answer.best_score),
                }
                for answer in self.answers
            ],
            'not_asked': [list(pair) for pair in self.question.left_out],
        }

    def to_data_sample(self) -> Any:
        """Return it as MMDetection's ``DetDataSample``.

        Returns:
            With ``pred_instances`` (``bboxes``, ``scores``, ``labels`` as indices of phrases,
            ``label_names``); boxes that answer above the prompt are in ``pred_ancestors``.
        """
        from mmdet.structures import DetDataSample

        meta = dict(
            img_path=self.source.path,
            img_id=self.source.name,
            ori_shape=(self.height, self.width),
            modality=self.modality,
            text=list(self.phrases),
        )
        sample = DetDataSample(metainfo=meta)
        own = [box for box in self.boxes if box.phrase is not None]
        above = [box for box in self.boxes if box.phrase is None]
        sample.pred_instances = _instances(own)
        sample.pred_instances.labels = _tensor([box.phrase for box in own]).long()
        if above:
            sample.pred_ancestors = _instances(above)
        return sample

    def to_supervision(self) -> Any:
        """Return it as ``Detections`` of the library supervision.

        Returns:
            With ``class_id``, index of the phrase, and ``data['class_name']``. Names above the
            prompt have numbers behind its phrases.

        Raises:
            ModuleNotFoundError: supervision is not installed.
        """
        try:
            import supervision
        except ImportError as error:
            raise ModuleNotFoundError(
                'Detections need the library supervision: pip install supervision.'
            ) from error
        numbers = {name: number for number, name in enumerate(dict.fromkeys(self.phrases))}
        ids = [
            numbers.setdefault(box.name, len(numbers)) if box.phrase is None else box.phrase
            for box in self.boxes
        ]
        return supervision.Detections(
            xyxy=self.xyxy,
            confidence=self.scores,
            class_id=np.array(ids, np.int64),
            data={'class_name': np.array(self.names, dtype=str)},
        )


def _source_dict(source: ImageSource) -> dict[str, Any]:
    return {
        'name': source.name,
        'path': source.path,
        'slice_index': source.slice_index,
        'volume': source.volume,
        'plane': source.plane,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _tensor(values: Any) -> Any:
    import torch

    return torch.as_tensor(values, dtype=torch.float32)


def _instances(boxes: list[FoundBox]) -> Any:
    from mmengine.structures import InstanceData

    return InstanceData(
        bboxes=_tensor([box.bbox for box in boxes]).reshape(-1, 4),
        scores=_tensor([box.score for box in boxes]),
        label_names=[box.name for box in boxes],
    )
