"""Findings as a DICOM presentation state: rectangles with their names over the images (GSPS).

What most viewers of a hospital draw over the images when it is chosen, without changing them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import generate_uid

from mmdet_medglip.ontology import Ontology

from .algorithm import Algorithm
from .coded_labels import CodedLabel, coded_labels
from .findings import Finding, Region
from .highdicom_import import import_highdicom, refusing_class
from .identity import Identity, finish
from .object_file import save_object
from .source_image import SourceImage, clipped_box, read_series

__all__ = ['write_presentations']

_SERIES_NUMBER = 9003
_SERIES = 'MedGLIP boxes, research only'
_LAYER = 'MEDGLIP'
_ABOVE = 4.0


def write_presentations(
    findings: Sequence[Finding],
    folder: str | Path,
    algorithm: Algorithm,
    *,
    identity: Identity | None = None,
    ontology: Ontology | None = None,
    allow_words: bool = False,
    clock: Callable[[], datetime] = datetime.now,
) -> tuple[Path, ...]:
    """Write findings as presentation states, one for each series.

    Args:
        findings: What was found, on grey images.
        folder: Where the files go, each named by its UID.
        algorithm: What found it.
        identity: How much is told of patient and study; nothing by default.
        ontology: Where labels are; by default the packaged one.
        allow_words: Whether labels that are not of the ontology may be written as they are.
        clock: Tells the time of writing.

    Returns:
        The files; none without findings.

    Raises:
        FileNotFoundError: An image does not exist.
        ImportError: highdicom is not installed.
        ValueError: An image is of colour, has tables for its values or windows or is of a class
            that highdicom makes none of, a box is outside its image, or a label is not of the
            ontology.
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
        first = next(iter(known.values()))
        with refusing_class(first.path, first.header, 'presentation state'):
            made = _presentation(findings, coded, known, algorithm)
            finish(made, first.source, identity, clock)
            written.append(save_object(made, folder))
    return tuple(written)


def _presentation(
    findings: Sequence[Finding],
    coded: Mapping[str, CodedLabel],
    known: Mapping[Path, SourceImage],
    algorithm: Algorithm,
) -> Dataset:
    hd = import_highdicom()
    layer = hd.pr.GraphicLayer(_LAYER, order=1, description='Boxes of mmdet-medglip')
    made = hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[source.header for source in known.values()],
        series_instance_uid=generate_uid(None),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(None),
        instance_number=1,
        manufacturer=algorithm.name,
        manufacturer_model_name=algorithm.model,
        software_versions=algorithm.version,
        device_serial_number=algorithm.weights or algorithm.version,
        content_label='BOXES',
        content_description=_SERIES,
        presentation_lut_transformation=hd.PresentationLUTTransformation(
            presentation_lut_shape='INVERSE' if _is_inverse(known.values()) else 'IDENTITY'
        ),
        graphic_layers=[layer],
        graphic_annotations=[
            _drawn(region, known[region.path], finding, coded[finding.label], layer)
            for finding in findings
            for region in finding.regions
            if region.path in known
        ],
    )
    made.SeriesDescription = _SERIES
    made.Laterality = ''
    return made


def _is_inverse(sources: Iterable[SourceImage]) -> bool:
    """Tell whether the lowest value is white; of all images of a series, or of none."""
    kinds = {source.header.get('PhotometricInterpretation') for source in sources}
    if len(kinds) > 1:
        raise ValueError(f'The images of a series are of several kinds, {sorted(map(str, kinds))}.')
    return kinds == {'MONOCHROME1'}


def _check(source: SourceImage) -> None:
    if source.header.get('SamplesPerPixel', 1) != 1:
        raise ValueError(
            f'{source.path} is a colour image, over which grey presentation states cannot draw; '
            'write a report instead.'
        )
    if source.is_shown_by_tables:
        # Without them the state would show the image in other greys.
        raise ValueError(
            f'{source.path} has tables or several frames that say how it is shown, which are not '
            'copied to presentation states; write a report instead.'
        )


def _drawn(
    region: Region, source: SourceImage, finding: Finding, label: CodedLabel, layer: Any
) -> Any:
    """Return a rectangle, and its name above it."""
    hd = import_highdicom()
    x1, y1, x2, y2 = clipped_box(region, source)
    pixels = hd.pr.AnnotationUnitsValues.PIXEL
    frame = region.frame + 1 if source.is_multiframe else None
    return hd.pr.GraphicAnnotation(
        referenced_images=[source.header],
        graphic_layer=layer,
        referenced_frame_number=frame,
        graphic_objects=[
            hd.pr.GraphicObject(
                graphic_type=hd.pr.GraphicTypeValues.POLYLINE,
                graphic_data=np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]),
                units=pixels,
            )
        ],
        text_objects=[
            hd.pr.TextObject(
                text_value=f'{label.name} {finding.score:.2f}',
                units=pixels,
                anchor_point=(x1, max(y1 - _ABOVE, 0.0)),
                anchor_point_visible=False,
            )
        ],
    )
