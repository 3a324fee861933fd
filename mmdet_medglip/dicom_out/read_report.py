"""Read a structured report of ours back: to check it, or to show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from mmdet_medglip.ingest.dicom.files import open_dicom, text

from .coded_labels import LABEL, NOTHING, SCHEME, SCORE, WORDS
from .findings import Box
from .highdicom_import import import_highdicom

__all__ = ['ReadFinding', 'ReadRegion', 'read_report']

_KINDS = (ComprehensiveSRStorage, Comprehensive3DSRStorage)


@dataclass(frozen=True, eq=False)
class ReadRegion:
    """A drawn rectangle.

    Attributes:
        uid: SOP instance UID of the image it is drawn on; None if it is drawn in the patient.
        frame: Number of the image in its file, from 0.
        box: xyxy in pixels of the image; None if it is drawn in the patient.
        points_mm: [5, 3] corners in LPS millimetres, the first twice; None if drawn on an image.
    """

    uid: str | None
    frame: int
    box: Box | None
    points_mm: npt.NDArray[np.float64] | None


@dataclass(frozen=True)
class ReadFinding:
    """One finding of a report.

    Attributes:
        label: Label id, or words.
        score: As it was written.
        kind: Coding scheme and value of what was found, such as ``('SCT', '10200004')``.
        side: ``left``, ``right`` or None.
        regions: Where it is.
    """

    label: str
    score: float
    kind: tuple[str, str]
    side: str | None
    regions: tuple[ReadRegion, ...]


def read_report(path: str | Path) -> list[ReadFinding]:
    """Read the findings of a report of :func:`.structured_report.write_reports`.

    Args:
        path: The file.

    Returns:
        The findings in their order; none if nothing was found.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: highdicom is not installed.
        ValueError: It is no such report.
    """
    hd = import_highdicom()
    dataset = open_dicom(Path(path))
    if text(dataset, 'SOPClassUID') not in _KINDS:
        raise ValueError(f'{path} is no comprehensive structured report.')
    try:
        kind = (
            hd.sr.ComprehensiveSR
            if dataset.SOPClassUID == ComprehensiveSRStorage
            else hd.sr.Comprehensive3DSR
        )
        content = kind.from_dataset(dataset).content
        groups = [
            *content.get_planar_roi_measurement_groups(),
            *content.get_volumetric_roi_measurement_groups(),
        ]
        found = [_finding(group) for group in groups]
        if not found and not _says_nothing_found(content):
            raise ValueError('no measurement group')
    except Exception as error:
        raise ValueError(
            f'{path} is no measurement report of mmdet-medglip ({type(error).__name__}).'
        ) from None
    # Groups are numbered when they are written.
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


def _says_nothing_found(content: Any) -> bool:
    """Tell whether a report without findings is whole: it then says so."""
    values = [
        evaluation.value.value
        for group in content.get_image_measurement_groups()
        for evaluation in group.get_qualitative_evaluations()
        if evaluation.name == LABEL
    ]
    return values == [NOTHING.value]


def _finding(group: Any) -> tuple[int, ReadFinding]:
    (own,) = (e.value for e in group.get_qualitative_evaluations() if e.name == LABEL)
    (score,) = (m.value for m in group.get_measurements() if m.name == SCORE)
    is_words = own.value == WORDS and own.scheme_designator == SCHEME
    hd = import_highdicom()
    roi = group.roi
    if isinstance(roi, hd.sr.VolumeSurface):
        regions = [ReadRegion(None, 0, None, np.asarray(points)) for points in roi.graphic_data]
    else:
        regions = [_region(one) for one in (roi if isinstance(roi, (list, tuple)) else [roi])]
    sides = [
        item.meaning.lower()
        for site in group.finding_sites
        if (item := site.laterality) is not None
    ]
    number = int(str(group.tracking_identifier).rpartition(' ')[2])
    return number, ReadFinding(
        own.meaning if is_words else own.value,
        float(score),
        (group.finding_type.scheme_designator, group.finding_type.value),
        sides[0] if sides else None,
        tuple(regions),
    )


def _region(drawn: Any) -> ReadRegion:
    points = np.asarray(drawn.value, np.float64)
    if points.shape[1] == 3:
        return ReadRegion(None, 0, None, points)
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    reference = drawn.ContentSequence[0].ReferencedSOPSequence[0]
    frame = int(reference.get('ReferencedFrameNumber', 1) or 1) - 1
    return ReadRegion(str(reference.ReferencedSOPInstanceUID), frame, (x1, y1, x2, y2), None)
