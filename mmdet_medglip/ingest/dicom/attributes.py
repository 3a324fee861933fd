"""What a DICOM header says about an image, from closed vocabularies only.

Free text of a header never becomes part of an image: it may name the patient.
"""

import re

from pydicom import Dataset

from mmdet_medglip.ontology import Ontology

from .files import items, number, numbers, text

__all__ = ['body_region_of', 'modality_of', 'spacing_of', 'view_of', 'window_of']

_VIEWS = {
    *('AP', 'PA', 'LL', 'RL', 'LLD', 'RLD', 'LLO', 'RLO', 'LAO', 'RAO', 'LPO', 'RPO', 'LAT'),
    *('CC', 'MLO', 'ML', 'LM', 'LMO', 'XCC', 'XCCL', 'XCCM', 'FB', 'SIO', 'ISO', 'SISO', 'AT'),
    *('AXIAL', 'SKYLINE', 'OBLIQUE', 'LATERAL'),
}
_SIDES = {'L': 'left', 'R': 'right'}
_BODY_PARTS = {
    'ABDOMEN': 'abdomen',
    'ABDOMENPELVIS': 'abdomen',
    'ANKLE': 'spine_and_limbs',
    'ARM': 'spine_and_limbs',
    'BRAIN': 'head_and_neck',
    'BREAST': 'chest',
    'CHEST': 'chest',
    'COLON': 'abdomen',
    'CSPINE': 'spine_and_limbs',
    'ELBOW': 'spine_and_limbs',
    'EYE': 'head_and_neck',
    'FOOT': 'spine_and_limbs',
    'HAND': 'spine_and_limbs',
    'HEAD': 'head_and_neck',
    'HEADNECK': 'head_and_neck',
    'HEART': 'chest',
    'HIP': 'pelvis',
    'JAW': 'head_and_neck',
    'KIDNEY': 'abdomen',
    'KNEE': 'spine_and_limbs',
    'LEG': 'spine_and_limbs',
    'LIVER': 'abdomen',
    'LSPINE': 'spine_and_limbs',
    'LUNG': 'chest',
    'NECK': 'head_and_neck',
    'PANCREAS': 'abdomen',
    'PELVIS': 'pelvis',
    'PROSTATE': 'pelvis',
    'SHOULDER': 'spine_and_limbs',
    'SKIN': 'skin',
    'SKULL': 'head_and_neck',
    'SPINE': 'spine_and_limbs',
    'THORAX': 'chest',
    'TOOTH': 'head_and_neck',
    'TSPINE': 'spine_and_limbs',
    'UTERUS': 'pelvis',
    'WRIST': 'spine_and_limbs',
}
_OPEN = {'', 'XC', 'OT', 'SC', 'GM', 'DOC'}
_LIKE = {'IO': 'DX', 'RF': 'DX', 'XA': 'DX', 'IVUS': 'US'}
_REGION_TISSUE = 1
_UNIT_CM = 3
_MM_PER_CM = 10.0


def modality_of(dataset: Dataset, ontology: Ontology) -> str | None:
    """Return the modality id of an image.

    Args:
        dataset: Header of an image.
        ontology: Its aliases are DICOM's codes.

    Returns:
        The modality; None where the code leaves it open (photographs, captures, none).

    Raises:
        ValueError: If the code is of a modality that the ontology does not know.
    """
    code = (text(dataset, 'Modality') or '').upper()
    if code in _OPEN:
        return None
    try:
        return ontology.parse_modality(_LIKE.get(code, code))
    except ValueError:
        told = code if re.fullmatch('[A-Z]{2,10}', code) else 'unreadable'
        raise ValueError(f'modality {told} is none of {", ".join(ontology.modalities)}') from None


def view_of(dataset: Dataset) -> str | None:
    """Return side and projection, such as ``left MLO`` or ``PA``; None if not told."""
    side = text(dataset, 'ImageLaterality') or text(dataset, 'Laterality') or ''
    projection = (text(dataset, 'ViewPosition') or '').upper()
    parts = [_SIDES.get(side.upper(), ''), projection if projection in _VIEWS else '']
    return ' '.join(part for part in parts if part) or None


def body_region_of(dataset: Dataset) -> str | None:
    """Return the region of the ontology that the body part examined is in; None if not told."""
    part = (text(dataset, 'BodyPartExamined') or '').upper()
    return _BODY_PARTS.get(part.replace('_', '').replace(' ', ''))


def window_of(dataset: Dataset) -> tuple[float, float] | None:
    """Return the first VOI window ``(centre, width)`` in physical values; None if not told."""
    centre, width = number(dataset, 'WindowCenter'), number(dataset, 'WindowWidth')
    if centre is None or width is None or not width > 0 or not abs(centre) < 1e9:
        return None
    return centre, min(width, 1e9)


def spacing_of(dataset: Dataset) -> tuple[float, float] | None:
    """Return the distance of pixel centres ``(between rows, between columns)`` in mm.

    In this order: ``PixelSpacing``; the spacing at the detector, put to the patient where the
    magnification is told; that of a scanned film; the first region of an ultrasound image.

    Returns:
        The distances; None if not told.
    """
    spacing = _positive(numbers(dataset, 'PixelSpacing', 2))
    if spacing is not None:
        return spacing
    spacing = _positive(numbers(dataset, 'ImagerPixelSpacing', 2))
    if spacing is not None:
        factor = number(dataset, 'EstimatedRadiographicMagnificationFactor')
        factor = factor if factor is not None and factor >= 1 else 1.0
        return spacing[0] / factor, spacing[1] / factor
    spacing = _positive(numbers(dataset, 'NominalScannedPixelSpacing', 2))
    return spacing or _ultrasound_spacing(dataset)


def _ultrasound_spacing(dataset: Dataset) -> tuple[float, float] | None:
    for region in items(dataset, 'SequenceOfUltrasoundRegions'):
        tissue = number(region, 'RegionSpatialFormat') == _REGION_TISSUE
        units = {number(region, f'PhysicalUnits{axis}Direction') for axis in 'XY'}
        steps = [number(region, f'PhysicalDelta{axis}') for axis in 'YX']
        if tissue and units == {_UNIT_CM} and None not in steps:
            return _positive(tuple(abs(step or 0.0) * _MM_PER_CM for step in steps))
    return None


def _positive(values: tuple[float, ...] | None) -> tuple[float, float] | None:
    if values is None or len(values) != 2 or min(values) <= 0:
        return None
    return values[0], values[1]
