"""What a model answered, and what it had been given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..line_log import check_fields
from ..regions import ImageRegions

__all__ = ['Evidence', 'VqaAnswer', 'evidence_of']


@dataclass(frozen=True)
class Evidence:
    """A region that the model was given.

    Attributes:
        label: Its words.
        box: xyxy in pixels of the original image.
        score: In (0, 1].
    """

    label: str
    box: tuple[float, float, float, float]
    score: float

    @classmethod
    def from_row(cls, row: Any) -> Evidence:
        """Read the object of a line.

        Raises:
            KeyError: A field is missing.
            TypeError: It is no object.
            ValueError: A number is none, or the box has not four.
        """
        x1, y1, x2, y2 = map(float, row['box'])
        return cls(str(row['label']), (x1, y1, x2, y2), float(row['score']))


@dataclass(frozen=True)
class VqaAnswer:
    """One answer, a line of an answers file.

    Attributes:
        question_id: Of the question.
        image_id: Of its image.
        answer: What the model said, without spaces around it; may be empty.
        context: What it was told of the regions; empty without context.
        evidence: The regions; none without context, and where none was found.
        model: Name of the model.
        condition: What kind of regions it was given, such as ``none`` or ``predicted``.
        settings: Digest of all that the answer depends on besides question, image and regions.
        picture: ``file``, or ``stand-in`` where a made picture took the place of a missing one.

    Raises:
        ValueError: A field has another type.
    """

    question_id: str
    image_id: str
    answer: str
    context: str
    evidence: tuple[Evidence, ...]
    model: str
    condition: str
    settings: str
    picture: str = 'file'

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != 'evidence' and not isinstance(value, str):
                raise ValueError(
                    f'{field.name!r} of an answer must be text, got {type(value).__name__} '
                    f'{value!r:.80}.'
                )

    def to_line(self) -> dict[str, Any]:
        """Return the object of its line."""
        return asdict(self)

    @classmethod
    def from_line(cls, row: Mapping[str, Any], where: str) -> VqaAnswer:
        """Read the object of a line.

        Args:
            row: The object.
            where: File and line, for messages.

        Raises:
            ValueError: A field is missing, unknown or of another type.
        """
        check_fields(row, cls, where, 'tools/vqa.py run')
        try:
            evidence = tuple(Evidence.from_row(one) for one in row['evidence'])
            return cls(**{**row, 'evidence': evidence})
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f'{where} is no answer: {error}') from None


def evidence_of(regions: ImageRegions | None) -> tuple[Evidence, ...]:
    """Return regions as they are written down with an answer; None has none."""
    if regions is None:
        return ()
    rows = zip(regions.labels, regions.boxes.tolist(), regions.scores.tolist(), strict=True)
    return tuple(
        Evidence(label, tuple(round(value, 2) for value in box), round(score, 4))
        for label, box, score in rows
    )
