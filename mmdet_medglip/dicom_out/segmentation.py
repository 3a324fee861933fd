"""Findings as a DICOM segmentation whose segments are filled boxes.

A segmentation says which pixels a thing has; a box only says between which it lies. So this is for
programs that read nothing else, and every segment says that it is a box: in its label, its
description and the algorithm's name. Reports (:mod:`.structured_report`) and presentation states
(:mod:`.presentation`) draw boxes as what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from mmdet_medglip.ingest.volumes import check_voxels
from mmdet_medglip.ontology import Ontology

from .algorithm import Algorithm
from .coded_labels import CodedLabel, coded_labels
from .findings import Finding
from .highdicom_import import import_highdicom, refusing_class
from .identity import Identity, finish
from .object_file import save_object
from .source_image import SourceImage, clipped_box, read_series
from .structured_report import concept

__all__ = ['write_segmentations']

_SERIES_NUMBER = 9002
_SERIES = 'MedGLIP boxes as segments, research only'
_NOTE = 'Filled box around what was found, not its outline'


def write_segmentations(
    findings: Sequence[Finding],
    folder: str | Path,
    algorithm: Algorithm,
    *,
    identity: Identity | None = None,
    ontology: Ontology | None = None,
    allow_words: bool = False,
    clock: Callable[[], datetime] = datetime.now,
) -> tuple[Path, ...]:
    """Write findings as segmentations, one for each series, with one segment for each finding.

    A pixel belongs to a box if its centre does; one too small to hold a centre has no pixels and is
    an error.

    Args:
        findings: What was found, on single-frame images with a place in the patient.
        folder: Where the files go, each named by its UID.
        algorithm: What found it.
        identity: How much is told of patient and study; nothing by default.
        ontology: Where labels and codes are; by default the packaged one.
        allow_words: Whether labels that are not of the ontology may be written as they are.
        clock: Tells the time of writing.

    Returns:
        The files; none without findings.

    Raises:
        FileNotFoundError: An image does not exist.
        ImportError: highdicom is not installed.
        ValueError: An image has several frames, no place in the patient or a class that highdicom
            makes none of, a finding is on several series, a box holds no pixel, or a label is not
            of the ontology.
        OSError: A file cannot be written.
    """
    import_highdicom()
    identity = identity or Identity()
    ontology = ontology or Ontology.default()
    if not findings:
        return ()
    coded = coded_labels(findings, ontology, allow_words=allow_words)
    written = []
    for known in read_series(findings, identity, _check):
        own = [f for f in findings if any(region.path in known for region in f.regions)]
        for finding in own:
            if not all(region.path in known for region in finding.regions):
                raise ValueError(f'{finding.label!r} is on images of several series.')
        first = next(iter(known.values()))
        with refusing_class(first.path, first.header, 'segmentation'):
            made = _segmentation(own, coded, known, algorithm)
            finish(made, first.source, identity, clock)
            written.append(save_object(made, folder))
    return tuple(written)


def _segmentation(
    findings: Sequence[Finding],
    coded: Mapping[str, CodedLabel],
    known: Mapping[Path, SourceImage],
    algorithm: Algorithm,
) -> Dataset:
    hd = import_highdicom()
    sources = list(known.values())
    made = hd.seg.Segmentation(
        source_images=[source.header for source in sources],
        pixel_array=_pixels(findings, sources),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _segment(number, finding, coded[finding.label], algorithm)
            for number, finding in enumerate(findings, start=1)
        ],
        series_instance_uid=generate_uid(None),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(None),
        instance_number=1,
        manufacturer=algorithm.name,
        manufacturer_model_name=algorithm.model,
        software_versions=algorithm.version,
        device_serial_number=algorithm.weights or algorithm.version,
        content_description=_NOTE,
        content_label='BOXES',
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    made.SeriesDescription = _SERIES
    return made


def _pixels(findings: Sequence[Finding], sources: Sequence[SourceImage]) -> npt.NDArray[np.uint8]:
    """Fill the boxes: [images, rows, columns, findings]."""
    rows, columns = int(sources[0].header.Rows), int(sources[0].header.Columns)
    for source in sources:
        if (int(source.header.Rows), int(source.header.Columns)) != (rows, columns):
            raise ValueError(f'{source.path} has another size than the images of its series.')
    check_voxels('the segmentation', len(sources) * rows * columns * len(findings))
    number_of = {source.path: number for number, source in enumerate(sources)}
    pixels = np.zeros((len(sources), rows, columns, len(findings)), np.uint8)
    for segment, finding in enumerate(findings):
        for region in finding.regions:
            source = sources[number_of[region.path]]
            x1, y1, x2, y2 = (np.ceil(np.array(clipped_box(region, source)) - 0.5)).astype(int)
            if not (x1 < x2 and y1 < y2):
                raise ValueError(f'{region.path}: the box {region.box} holds no pixel centre.')
            pixels[number_of[region.path], y1:y2, x1:x2, segment] = 1
    return pixels


def _segment(number: int, finding: Finding, label: CodedLabel, algorithm: Algorithm) -> Any:
    hd = import_highdicom()
    described = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f'{label.name[:48]} (box) {number}',
        segmented_property_category=concept(label.category),
        segmented_property_type=concept(label.kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=f'{algorithm.model[:48]}, filled boxes',
            family=codes.DCM.ArtificialIntelligence,
            version=algorithm.version,
        ),
        tracking_uid=generate_uid(None),
        tracking_id=f'{label.name[:48]} {number}',
    )
    described.SegmentDescription = f'{_NOTE}; score {finding.score:.3f}'
    if label.side is not None:
        kind = described.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(label.side)]
    return described


def _check(source: SourceImage) -> None:
    if source.is_multiframe:
        raise ValueError(
            f'{source.path} holds several frames; boxes are only filled on single images, write a '
            'report instead.'
        )
    if source.planes[0] is None or 'FrameOfReferenceUID' not in source.header:
        raise ValueError(
            f'{source.path} does not say where it lies in the patient, which a segmentation needs; '
            'write a report instead.'
        )
