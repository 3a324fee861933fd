"""Which images a report shows, and their pictures: truth beside prediction."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from mmdet_medglip.evaluation import ImageResult, Results
from mmdet_medglip.evaluation.functional.error_types import BOX_KINDS, judge_boxes
from mmdet_medglip.evaluation.functional.grouping import grouped
from mmdet_medglip.evaluation.results import to_detections
from mmdet_medglip.ingest.data_card.drawing import draw_grid, network_view
from mmdet_medglip.ingest.data_card.sampling import image_hash, round_robin
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.visualization.draw_grounding import DrawnBoxes, draw_grounding

__all__ = ['CASE_KINDS', 'CaseKind', 'choose_cases', 'draw_cases', 'image_f1']

CaseKind = Literal['best', 'worst', 'random']
CASE_KINDS: tuple[CaseKind, ...] = ('best', 'worst', 'random')

_CORRECT = BOX_KINDS.index('correct')
_PANEL, _COLUMNS, _QUALITY = 320, 2, 82


def image_f1(image: ImageResult, score_threshold: float) -> float | None:
    """F1 of the boxes of one image, see :mod:`mmdet_medglip.evaluation.functional.error_types`.

    Args:
        image: Answers and truth.
        score_threshold: Boxes below it do not count.

    Returns:
        A number in [0, 1]; None for a caption image, and for one without truth that was asked.
    """
    if image.asked is None:
        return None
    judged = judge_boxes(to_detections(image), score_threshold)
    truth = int((np.isin(image.gt_labels, image.asked) & ~image.gt_ignore).sum())
    boxes = int((judged.kinds >= 0).sum())
    return 2 * int((judged.kinds == _CORRECT).sum()) / (boxes + truth) if truth else None


def choose_cases(
    results: Results, kind: CaseKind, number: int, score_threshold: float
) -> list[ImageResult]:
    """Choose images with truth, the modalities in turn.

    Args:
        results: Of one run.
        kind: 'best' and 'worst' by F1, those with most truth first among equals; 'random' by a
            hash of the image's name, so that all entries show the same images.
        number: How many at most.
        score_threshold: Of the F1.

    Returns:
        The images.
    """
    found = []
    for image in results.images:
        f1 = image_f1(image, score_threshold)
        if f1 is None:
            continue
        chance = image_hash(image.image_id)
        order: tuple[float, ...] = (chance,)
        if kind != 'random':
            order = (f1 if kind == 'worst' else -f1, -len(image.gt_boxes), chance)
        found.append((image.modality, (order, image)))
    lists = [
        [image for _, image in sorted(of_modality, key=lambda item: item[0])]
        for of_modality in grouped(found).values()
    ]
    return round_robin(lists, number)


def draw_cases(
    images: Sequence[ImageResult], store: GroundingStore, score_threshold: float
) -> bytes:
    """Draw images, truth left and boxes right, below one another.

    Args:
        images: At least one, all in the store.
        store: Where the images are.
        score_threshold: Boxes below it are not drawn.

    Returns:
        JPEG.

    Raises:
        FileNotFoundError: If an image file is missing.
        ValueError: If an image is not in the store, or is damaged.
    """
    places = _places(store, [image.image_id for image in images])
    tiles = []
    for image in images:
        record = store[places[image.image_id]]
        picture = _draw(image, network_view(store, record), score_threshold)
        tiles.append(Image.fromarray(picture))
    stream = io.BytesIO()
    draw_grid(tiles, _COLUMNS).save(stream, format='JPEG', quality=_QUALITY)
    return stream.getvalue()


def _draw(
    image: ImageResult, view: npt.NDArray[np.uint8], score_threshold: float
) -> npt.NDArray[np.uint8]:
    scale = min(1.0, _PANEL / max(view.shape[:2]))
    size = [max(1, round(length * scale)) for length in view.shape[1::-1]]
    small = np.asarray(Image.fromarray(view).resize(size, Image.Resampling.LANCZOS))
    factor = np.array([size[0] / image.width, size[1] / image.height] * 2)
    asked = [] if image.asked is None else image.asked.tolist()
    phrase_of = {label: phrase for phrase, label in reversed(list(enumerate(asked)))}
    truth = [row for row, label in enumerate(image.gt_labels.tolist()) if label in phrase_of]
    kept = np.flatnonzero(image.scores >= score_threshold)
    kept = kept[np.argsort(-image.scores[kept], kind='stable')]
    f1 = image_f1(image, score_threshold)
    return draw_grounding(
        small,
        image.phrases,
        DrawnBoxes(
            image.gt_boxes[truth] * factor, [phrase_of[int(image.gt_labels[i])] for i in truth]
        ),
        DrawnBoxes(
            image.boxes[kept] * factor,
            image.box_phrases[kept].tolist(),
            image.scores[kept].tolist(),
        ),
        title=f'{image.modality}  F1 {f1:.2f}  {image.image_id}'
        if f1 is not None
        else image.image_id,
        panel_size=_PANEL,
    )


def _places(store: GroundingStore, ids: Sequence[str]) -> Mapping[str, int]:
    wanted = set(ids)
    found: dict[str, int] = {}
    start = 0
    for chunk in store.chunks('image_id'):
        for place, name in enumerate(chunk.to_pylist(), start):
            if name in wanted:
                found[name] = place
        start += len(chunk)
    absent = sorted(wanted - set(found))
    if absent:
        raise ValueError(f'{store.root} has no image {absent[0]!r}, which the results show.')
    return found
