"""Which boxes support which sentence of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text import Mention, parse_report

from ..context.places import SIDES
from ..regions import ImageRegions
from .grounded_report import (
    GroundedMention,
    GroundedReport,
    GroundedSentence,
    RegionBox,
    Support,
)
from .region_names import RegionName, names_same, read_region

if TYPE_CHECKING:
    from mmdet_medglip.evaluation.results import Results

__all__ = ['Asked', 'asked_of', 'count_verdicts', 'ground_report']

Asked = Mapping[str, float | None]
"""Words that a detector was asked for on an image, with the probability that each is there; None
where it does not say one."""

_LEFT_OF_PICTURE = {'radiological': 'right', 'neurological': 'left'}
_OTHER = {'left': 'right', 'right': 'left'}


def asked_of(results: Results) -> dict[str, Asked]:
    """Say what was asked on each image of a result file.

    Returns:
        By image id: the words that regions have, with the probability of presence.
    """
    asked: dict[str, Asked] = {}
    for image in results.images:
        words = image.phrases
        if image.asked is not None:
            words = tuple(results.class_names[label] for label in image.asked)
        presence = [None] * len(words) if image.presence is None else image.presence.tolist()
        asked[image.image_id] = dict(zip(words, presence, strict=True))
    return asked


def ground_report(
    report_id: str,
    text: str,
    images: Sequence[ImageRegions],
    *,
    asked: Mapping[str, Asked] | None = None,
    sides: str = 'image',
    min_presence: float = 0.5,
    ontology: Ontology | None = None,
) -> GroundedReport:
    """Find the boxes that support each sentence.

    Args:
        report_id: The report.
        text: Its text; a blank one has no sentences.
        images: Regions of its images, of different ids; none is allowed.
        asked: What was looked for, by image id, see :func:`asked_of`; None if not known. Without
            it no sentence is supported by an absence.
        sides: How images show the patient, see :data:`..context.places.SIDES`; ``image`` says
            nothing of it, then only words of regions have a side.
        min_presence: Least probability from which on something counts as there.
        ontology: The names; the packaged ones if None.

    Returns:
        The sentences with what supports them, and the regions that none mentions.

    Raises:
        ValueError: Two images have one id, or there is no such convention of sides.

    Example:
        >>> regions = ImageRegions('a', 9, 9, 'xray', ('effusion',), [[5, 5, 8, 8]], [0.9])
        >>> report = ground_report('1', 'Left pleural effusion. Scoliosis.', [regions])
        >>> [sentence.verdict for sentence in report.sentences]
        ['supported', 'unsupported']
    """
    if sides not in SIDES:
        raise ValueError(f'sides must be one of {", ".join(SIDES)}, got {sides!r}.')
    if len({image.image_id for image in images}) != len(images):
        raise ValueError(f'Report {report_id!r} has two images of one id.')
    matcher = _Matcher(images, asked, sides, min_presence, ontology or Ontology.default())
    parsed = parse_report(text, ontology)
    sentences = []
    used: set[RegionBox] = set()
    for start, end in parsed.sentences:
        inside = [one for one in parsed.mentions if start <= one.span[0] < end]
        mentions = tuple(matcher.ground(one, text) for one in inside if _is_shown(one))
        for mention in mentions:
            used.update(mention.boxes, mention.places)
        sentences.append(GroundedSentence(text[start:end], (start, end), mentions))
    left = tuple(one for one in matcher.boxes if one not in used)
    return GroundedReport(report_id, text, tuple(images), tuple(sentences), left)


def _is_shown(mention: Mention) -> bool:
    """Tell whether a mention is about what the image shows; history and comparisons are not."""
    if mention.kind == 'other':
        return False
    return mention.status != 'not_groundable' or mention.reason in ('normal', 'unchanged')


class _Matcher:
    """Finds the regions of mentions on the images of one report."""

    def __init__(
        self,
        images: Sequence[ImageRegions],
        asked: Mapping[str, Asked] | None,
        sides: str,
        min_presence: float,
        ontology: Ontology,
    ) -> None:
        self._ontology = ontology
        self._min_presence = min_presence
        self._regions: dict[RegionBox, tuple[RegionName, str, str | None]] = {}
        for image in images:
            rows = zip(image.labels, image.boxes.tolist(), image.scores.tolist(), strict=True)
            for number, (label, box, score) in enumerate(rows, start=1):
                name = read_region(label, image.modality, ontology)
                middle = (box[0] + box[2]) / 2
                side = name.side or _side_of_place(middle, image.width, sides)
                x1, y1, x2, y2 = box
                one = RegionBox(image.image_id, number, label, (x1, y1, x2, y2), score)
                self._regions[one] = (name, image.modality, side)
        self._asked: list[tuple[RegionName, str, float | None]] | None = None
        if asked is not None:
            self._asked = [
                (read_region(words, image.modality, ontology), image.modality, presence)
                for image in images
                for words, presence in asked.get(image.image_id, {}).items()
            ]

    @property
    def boxes(self) -> tuple[RegionBox, ...]:
        """All regions, by image."""
        return tuple(self._regions)

    def ground(self, mention: Mention, text: str) -> GroundedMention:
        """Find the regions of a mention, and say what they mean for it."""
        head = text[slice(*mention.head)]
        named = [
            (box, side)
            for box, (name, modality, side) in self._regions.items()
            if names_same(mention, head, name, modality, self._ontology)
        ]
        places = self._places(mention, text)
        on_side = [box for box, side in named if side in (mention.side, None)]
        if mention.side in (None, 'bilateral'):
            on_side = [box for box, _ in named]
        support: Support
        if mention.status == 'negated':
            support = self._absence(mention, head) if not on_side else 'contradicted'
        elif on_side:
            known = {side for _, side in named}
            is_one = mention.side == 'bilateral' and len(known) == 1 and None not in known
            support = 'one side' if is_one else 'box'
        elif named:
            support, on_side = 'other side', [box for box, _ in named]
        else:
            support = 'no box' if self._was_asked(mention, head) in (True, None) else 'not asked'
        return GroundedMention(mention, support, tuple(on_side), places)

    def _absence(self, mention: Mention, head: str) -> Support:
        """Say what it means that a negated mention has no box."""
        if self._asked is None:
            return 'not known'
        found = self._asked_for(mention, head)
        if not found:
            return 'not asked'
        # How likely something is on any side says nothing of one side.
        is_one_side = mention.side in _OTHER
        said = [one for name, one in found if name.side == mention.side or not is_one_side]
        is_there = any(one is not None and one >= self._min_presence for one in said)
        return 'contradicted' if is_there else 'absent'

    def _was_asked(self, mention: Mention, head: str) -> bool | None:
        return None if self._asked is None else bool(self._asked_for(mention, head))

    def _asked_for(self, mention: Mention, head: str) -> list[tuple[RegionName, float | None]]:
        return [
            (name, presence)
            for name, modality, presence in self._asked or ()
            if names_same(mention, head, name, modality, self._ontology)
            and (mention.side in (None, 'bilateral') or name.side in (mention.side, None))
        ]

    def _places(self, mention: Mention, text: str) -> tuple[RegionBox, ...]:
        """Find regions that the words of place name: ``in the left lower lobe``."""
        found: dict[RegionBox, None] = {}
        for start, end in mention.locations:
            words = text[start:end]
            for box, (name, modality, side) in self._regions.items():
                place = read_region(words, modality, self._ontology)
                wanted = place.side or (mention.side if mention.side in _OTHER else None)
                same = {*place.labels} & {*name.labels}
                if same and (wanted is None or side in (wanted, None)):
                    found[box] = None
        return tuple(found)


def _side_of_place(middle: float, width: int, sides: str) -> str | None:
    """Return the side of the patient that a box lies on by where its middle is; None if unknown."""
    left = _LEFT_OF_PICTURE.get(sides)
    if left is None:
        return None
    return left if middle < width / 2 else _OTHER[left]


def count_verdicts(reports: Iterable[GroundedReport]) -> dict[str, int]:
    """Count the sentences of reports by verdict, the most frequent first."""
    counts: dict[str, int] = {}
    for report in reports:
        for verdict, count in report.verdicts().items():
            counts[verdict] = counts.get(verdict, 0) + count
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
