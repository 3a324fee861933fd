"""A report with the boxes that support its sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mmdet_medglip.text import Mention

from ..regions import ImageRegions

__all__ = [
    'GroundedMention',
    'GroundedReport',
    'GroundedSentence',
    'RegionBox',
    'Support',
    'Verdict',
]

Support = Literal[
    'box', 'one side', 'other side', 'no box', 'absent', 'contradicted', 'not asked', 'not known'
]
"""What the boxes say of a mention; docs/reports.md defines each."""

Verdict = Literal[
    'supported', 'partly supported', 'unsupported', 'contradicted', 'not checked',
    'nothing to ground',
]  # fmt: skip

_GOOD = ('box', 'absent')
_AGAINST = ('contradicted', 'other side')


@dataclass(frozen=True)
class RegionBox:
    """A region of one of the images of a report.

    Attributes:
        image_id: The image.
        number: Place of the region on its image, from 1, as pictures number it.
        label: Its words.
        box: xyxy in pixels of the original image.
        score: In (0, 1].
    """

    image_id: str
    number: int
    label: str
    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True)
class GroundedMention:
    """What a report mentions, and what supports it.

    Attributes:
        mention: As the text was read; spans are in characters of the report.
        support: What the boxes say of it.
        boxes: Regions of its name; of a negated mention they contradict it.
        places: Regions that its words of place name.
    """

    mention: Mention
    support: Support
    boxes: tuple[RegionBox, ...] = ()
    places: tuple[RegionBox, ...] = ()

    @property
    def is_claim(self) -> bool:
        """Whether it says that something is there, or is not; a normal structure does neither."""
        return self.mention.status != 'not_groundable'


@dataclass(frozen=True)
class GroundedSentence:
    """A sentence of a report.

    Attributes:
        text: The sentence.
        span: Where it is, ``[start, end)`` in characters of the report.
        mentions: In the order of the text; possibly none.
    """

    text: str
    span: tuple[int, int]
    mentions: tuple[GroundedMention, ...]

    @property
    def verdict(self) -> Verdict:
        """What the boxes say of the whole sentence.

        ``contradicted`` if they are against one of its claims; ``supported`` if all claims are,
        ``partly supported`` if some are; ``unsupported`` if something is said to be there and has
        no box; ``not checked`` if all that it says is that things are not there, for which nobody
        looked; ``nothing to ground`` without a claim.
        """
        claims = [one for one in self.mentions if one.is_claim]
        said = [one.support for one in claims]
        if not claims:
            return 'nothing to ground'
        if any(one in _AGAINST for one in said):
            return 'contradicted'
        good = sum(one in _GOOD for one in said)
        if good == len(said):
            return 'supported'
        if good or 'one side' in said:
            return 'partly supported'
        is_negative = all(one.mention.status == 'negated' for one in claims)
        return 'not checked' if is_negative else 'unsupported'


@dataclass(frozen=True)
class GroundedReport:
    """A report with the boxes that support it.

    Attributes:
        report_id: The report.
        text: Its text.
        images: Regions of its images.
        sentences: Its sentences, in order.
        unmentioned: Regions that no sentence mentions, by image, in their order.
    """

    report_id: str
    text: str
    images: tuple[ImageRegions, ...]
    sentences: tuple[GroundedSentence, ...]
    unmentioned: tuple[RegionBox, ...]

    def verdicts(self) -> dict[Verdict, int]:
        """Count the sentences by verdict."""
        counts: dict[Verdict, int] = {}
        for sentence in self.sentences:
            counts[sentence.verdict] = counts.get(sentence.verdict, 0) + 1
        return counts

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            'report_id': self.report_id,
            'text': self.text,
            'images': [_image(image) for image in self.images],
            'sentences': [
                {
                    'text': sentence.text,
                    'span': list(sentence.span),
                    'verdict': sentence.verdict,
                    'mentions': [_mention(one) for one in sentence.mentions],
                }
                for sentence in self.sentences
            ],
            'unmentioned': [asdict(box) for box in self.unmentioned],
        }


def _image(image: ImageRegions) -> dict[str, Any]:
    return {
        'image_id': image.image_id,
        'height': image.height,
        'width': image.width,
        'modality': image.modality,
        'regions': len(image),
    }


def _mention(one: GroundedMention) -> dict[str, Any]:
    mention = one.mention
    return {
        'text': mention.text,
        'span': list(mention.span),
        'kind': mention.kind,
        'status': mention.status,
        'side': mention.side,
        'uncertain': mention.uncertain,
        'labels': list(mention.labels),
        'support': one.support,
        'boxes': [asdict(box) for box in one.boxes],
        'places': [asdict(box) for box in one.places],
    }
