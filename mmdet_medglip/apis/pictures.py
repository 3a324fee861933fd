"""Pictures of results."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mmdet_medglip.routing import UNROUTED
from mmdet_medglip.visualization import DrawnBoxes, draw_overlay

from .result import GroundingResult

__all__ = ['draw_result']


def draw_result(result: GroundingResult, *, side: int = 768) -> npt.NDArray[np.uint8]:
    """Draw the boxes of a result on its view.

    Args:
        result: With a view.
        side: Least length of the longer side of the image in the picture.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: It has no view.
    """
    if result.view is None:
        raise ValueError(f'{result.source.name} has no view; ask for it with view=True.')
    # What lies above the prompt has a colour behind those of its phrases.
    names = list(result.phrases)
    above = [box.name for box in result.boxes if box.phrase is None]
    names += [name for name in dict.fromkeys(above) if name not in names]
    places = [names.index(b.name) if b.phrase is None else b.phrase for b in result.boxes]
    height, width = result.view.shape[:2]
    scale = np.array([width / result.width, height / result.height] * 2)
    spacing = result.spacing_mm
    if spacing is not None:
        spacing = (spacing[0] * result.height / height, spacing[1] * result.width / width)
    return draw_overlay(
        result.view,
        names,
        DrawnBoxes(result.xyxy * scale, places, result.scores.tolist()),
        title=_title(result),
        absent=[one.phrase for one in result.answers if not one.present and not one.boxes],
        contradicted=[one.phrase for one in result.contradictions],
        warnings=_warnings(result),
        side=side,
        spacing_mm=spacing,
    )


def _title(result: GroundingResult) -> str:
    parts = [result.modality]
    if result.routed_by not in ('given', 'dicom'):
        parts[0] += f' ({result.routed_by}, {result.modality_confidence:.2f})'
    if result.source.slice_index is not None:
        parts.append(f'{result.source.plane or "slice"} {result.source.slice_index}')
    return '   '.join(parts)


def _warnings(result: GroundingResult) -> list[str]:
    unrouted = result.modality == UNROUTED
    return ['no modality was found, so nothing was asked'] if unrouted else []
