"""Findings as a DICOM structured report: TID 1500 with one measurement group per finding.

A finding on one image is a planar region (TID 1410), one on several slices a volumetric one
(TID 1411), drawn as closed rectangles. Coordinates of an image (SCOORD) count columns and rows from
the outer corner of the first pixel (PS3.3, C.18.6.1.2), as our boxes do: the numbers are the same.
Coordinates of the patient (SCOORD3D) are millimetres, LPS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from mmdet_medglip.ontology import Ontology

from .algorithm import Algorithm
from .coded_labels import IMAGING, LABEL, NOTHING, SCHEME, SCORE, CodedLabel, coded_labels
from .findings import Finding, Region
from .highdicom_import import import_highdicom, refusing_class
from .identity import Identity, finish
from .object_file import save_object
from .plane_points import rectangle_mm
from .source_image import SourceImage, clipped_box, read_sources

__all__ = ['Space', 'concept', 'write_reports']

Space = Literal['image', 'patient']
_SERIES_NUMBER = 9001
_SERIES = 'MedGLIP detections, research only'


def write_reports(
    findings: Sequence[Finding],
    folder: str | Path,
    algorithm: Algorithm,
    *,
    images: Iterable[str | Path] = (),
    space: Space = 'image',
    identity: Identity | None = None,
    ontology: Ontology | None = None,
    allow_words: bool = False,
    clock: Callable[[], datetime] = datetime.now,
) -> tuple[Path, ...]:
    """Write findings as structured reports, one for each study.

    Args:
        findings: What was found; may be none if ``images`` are given: nothing was found on them.
        folder: Where the reports go, each named by its UID.
        algorithm: What found it.
        images: DICOM files that were looked at, besides those with findings.
        space: Draw in pixels of the ``image``, which every viewer of reports knows (Comprehensive
            SR), or in millimetres of the ``patient`` (Comprehensive 3D SR).
        identity: How much is told of patient and study; nothing by default.
        ontology: Where labels and codes are; by default the packaged one.
        allow_words: Whether labels that are not of the ontology may be written as they are.
        clock: Tells the time of writing.

    Returns:
        The files.

    Raises:
        FileNotFoundError: An image does not exist.
        ImportError: highdicom is not installed.
        ValueError: An image is not readable, a box is outside its image, a label is not of the
            ontology, or an image has no place in the patient but ``space`` needs it.
        OSError: A file cannot be written.
    """
    if space not in ('image', 'patient'):
        raise ValueError(f"space must be 'image' or 'patient', got {space!r}.")
    import_highdicom()
    identity = identity or Identity()
    ontology = ontology or Ontology.default()
    coded = coded_labels(findings, ontology, allow_words=allow_words)
    written = []
    for sources in read_sources(findings, images, identity).values():
        known = {source.path: source for source in sources}
        own = [f for f in findings if all(region.path in known for region in f.regions)]
        first = sources[0]
        with refusing_class(first.path, first.header, 'report', 'leave it out'):
            report = _report(own, coded, known, algorithm, space)
            finish(report, first.source, identity, clock)
            written.append(save_object(report, folder))
    return tuple(written)


def _report(
    findings: Sequence[Finding],
    coded: Mapping[str, CodedLabel],
    sources: Mapping[Path, SourceImage],
    algorithm: Algorithm,
    space: Space,
) -> Dataset:
    hd = import_highdicom()
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=algorithm.uid,
        name=algorithm.name,
        manufacturer_name=algorithm.name,
        model_name=algorithm.model,
    )
    context = hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=concept(IMAGING),
        imaging_measurements=[
            _group(number, finding, coded[finding.label], sources, algorithm, space)
            for number, finding in enumerate(findings, start=1)
        ]
        or [_nothing(sources.values(), algorithm)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    kind = hd.sr.ComprehensiveSR if space == 'image' else hd.sr.Comprehensive3DSR
    return kind(
        evidence=[source.header for source in sources.values()],
        content=content[0],
        series_number=_SERIES_NUMBER,
        series_instance_uid=generate_uid(None),
        sop_instance_uid=generate_uid(None),
        instance_number=1,
        manufacturer=algorithm.name,
        manufacturer_model_name=algorithm.model,
        software_versions=algorithm.version,
        series_description=_SERIES,
        is_complete=True,
        coding_schemes=[
            hd.coding_schemes.CodingSchemeIdentificationItem(SCHEME, name='Labels of mmdet-medglip')
        ],
    )


def _group(
    number: int,
    finding: Finding,
    label: CodedLabel,
    sources: Mapping[Path, SourceImage],
    algorithm: Algorithm,
    space: Space,
) -> Any:
    """Return the measurement group of one finding."""
    hd = import_highdicom()
    common: dict[str, Any] = {
        'tracking_identifier': hd.sr.TrackingIdentifier(
            uid=generate_uid(None), identifier=f'{label.name} {number}'[:64]
        ),
        'finding_type': concept(label.kind),
        'algorithm_id': _algorithm(algorithm),
        'measurements': [
            hd.sr.Measurement(name=concept(SCORE), value=finding.score, unit=codes.UCUM.NoUnits)
        ],
        'qualitative_evaluations': [
            hd.sr.QualitativeEvaluation(name=concept(LABEL), value=concept(label.own))
        ],
    }
    if label.is_anatomy or label.side is not None:
        common['finding_sites'] = [
            hd.sr.FindingSite(
                anatomic_location=concept(label.kind),
                laterality=None if label.side is None else concept(label.side),
            )
        ]
    regions = [(region, sources[region.path]) for region in finding.regions]
    if len(regions) == 1:
        draw = _on_image if space == 'image' else _in_patient
        return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=draw(*regions[0]), **common
        )
    if space == 'image':
        common['referenced_regions'] = [_on_image(*one) for one in regions]
    else:
        common['referenced_volume_surface'] = hd.sr.VolumeSurface(
            graphic_type=hd.sr.GraphicTypeValues3D.POLYGON,
            graphic_data=[_corners(*one) for one in regions],
            frame_of_reference_uid=regions[0][1].header.FrameOfReferenceUID,
            source_images=[_reference(*one, hd.sr.SourceImageForSegmentation) for one in regions],
        )
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(**common)


def _nothing(sources: Iterable[SourceImage], algorithm: Algorithm) -> Any:
    """Return the measurement group that says that nothing was found on the images."""
    hd = import_highdicom()
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=generate_uid(None), identifier=NOTHING.meaning
        ),
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(
                source.header.SOPClassUID, source.header.SOPInstanceUID
            )
            for source in sources
        ],
        algorithm_id=_algorithm(algorithm),
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(name=concept(LABEL), value=concept(NOTHING))
        ],
    )


def _algorithm(algorithm: Algorithm) -> Any:
    hd = import_highdicom()
    return hd.sr.AlgorithmIdentification(
        name=algorithm.model,
        version=algorithm.version,
        parameters=[algorithm.weights] if algorithm.weights else None,
    )


def _on_image(region: Region, source: SourceImage) -> Any:
    """Return a region as a closed rectangle of pixels."""
    hd = import_highdicom()
    x1, y1, x2, y2 = clipped_box(region, source)
    return hd.sr.ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]),
        source_image=_reference(region, source, hd.sr.SourceImageForRegion),
    )


def _in_patient(region: Region, source: SourceImage) -> Any:
    """Return a region as a closed rectangle of the patient."""
    hd = import_highdicom()
    return hd.sr.ImageRegion3D(
        graphic_type=hd.sr.GraphicTypeValues3D.POLYGON,
        graphic_data=_corners(region, source),
        frame_of_reference_uid=source.header.FrameOfReferenceUID,
    )


def _corners(region: Region, source: SourceImage) -> npt.NDArray[np.float64]:
    plane = source.planes[region.frame]
    if plane is None or 'FrameOfReferenceUID' not in source.header:
        raise ValueError(
            f"{region.path} does not say where it lies in the patient; use space='image'."
        )
    corners = rectangle_mm(clipped_box(region, source), plane)
    return np.concatenate([corners, corners[:1]])


def _reference(region: Region, source: SourceImage, kind: Any) -> Any:
    return kind(
        referenced_sop_class_uid=source.header.SOPClassUID,
        referenced_sop_instance_uid=source.header.SOPInstanceUID,
        referenced_frame_numbers=[region.frame + 1] if source.is_multiframe else None,
    )


def concept(code: Code) -> Any:
    """Return a code as highdicom has it."""
    hd = import_highdicom()
    return hd.sr.CodedConcept(code.value, code.scheme_designator, code.meaning)
