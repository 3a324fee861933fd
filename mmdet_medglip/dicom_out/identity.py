"""What of the source images is written to the objects made from them.

Objects are built from a list of what may pass, never from the source headers themselves: what is
not listed here cannot get through, whatever a header holds.

* Always: UIDs of the images, their series, study and frame of reference; class, modality, size,
  number of frames, kind of pixels, what their values mean, windows, and place in the patient.
* ``removed`` (default): nothing else. UIDs stay, so that the objects belong to the images they were
  made from (PS3.15 Basic Profile with the Retain UIDs Option).
* ``mapped``: nothing else, and UIDs become those that
  :func:`~mmdet_medglip.ingest.deidentify.basic_profile_clean` gives the images under the same key,
  so that the objects belong to the cleaned images.
* ``kept``: also who the patient is and which study it was (:data:`KEPT`), for the archive of the
  hospital that the images come from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID
from pydicom.valuerep import DA, TM

from mmdet_medglip.ingest.dicom.basic_profile import basic_profile_clean

__all__ = ['GEOMETRY', 'KEPT', 'Identity', 'finish', 'passed']

IdentityKind = Literal['removed', 'mapped', 'kept']

_NEEDED = ('SOPClassUID', 'SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID')
_UIDS = (*_NEEDED, 'FrameOfReferenceUID')
_CODES = {
    'Modality': re.compile('CT|MR|CR|DX|RG|MG|IO|PX|XA|RF|US|IVUS|ES|DMS|OP|XC|GM|OT|NM|PT|OPT|SM'),
    'PhotometricInterpretation': re.compile('MONOCHROME[12]|RGB|PALETTE COLOR|YBR_[A-Z0-9_]{2,12}'),
    'RescaleType': re.compile('HU|US|OD'),
}
_NUMBERS = (
    *('Rows', 'Columns', 'NumberOfFrames', 'SamplesPerPixel', 'ImagePositionPatient'),
    *('ImageOrientationPatient', 'PixelSpacing', 'SliceThickness', 'SpacingBetweenSlices'),
    *('BitsAllocated', 'BitsStored', 'HighBit', 'PixelRepresentation', 'PixelAspectRatio'),
    *('RescaleSlope', 'RescaleIntercept', 'WindowCenter', 'WindowWidth'),
)
GEOMETRY = (*_UIDS, *_CODES, *_NUMBERS)
"""What always passes, by keyword: UIDs and numbers, checked to be such, and known codes; another
code is left out."""

KEPT = (
    *('PatientName', 'PatientID', 'IssuerOfPatientID', 'PatientBirthDate', 'PatientSex'),
    *('StudyDate', 'StudyTime', 'StudyID', 'StudyDescription', 'AccessionNumber'),
    'ReferringPhysicianName',
)
"""What passes with ``kept`` only."""

_EMPTY = (
    *('PatientID', 'PatientName', 'PatientBirthDate', 'PatientSex', 'AccessionNumber', 'StudyID'),
    *('StudyDate', 'StudyTime', 'ReferringPhysicianName'),
)
_LEAST_KEY = 32


@dataclass(frozen=True)
class Identity:
    """How much the objects tell of patient and study.

    Attributes:
        kind: ``removed``, ``mapped`` or ``kept``; see this module.
        key: For ``mapped``, the key that the images were cleaned with, of at least 32 bytes.

    Raises:
        ValueError: The kind is unknown, or there is a key too few or too many.
    """

    kind: IdentityKind = 'removed'
    key: bytes | None = None

    def __post_init__(self) -> None:
        """Check that kind and key fit."""
        if self.kind not in get_args(IdentityKind):
            raise ValueError(f'kind must be one of {get_args(IdentityKind)}, got {self.kind!r}.')
        if (self.kind == 'mapped') != (self.key is not None) or len(self.key or b'') < (
            _LEAST_KEY if self.key is not None else 0
        ):
            raise ValueError(
                f"A key of at least {_LEAST_KEY} bytes goes with kind 'mapped', and with no other."
            )


def passed(source: Dataset, identity: Identity) -> Dataset:
    """Return what passes of a source header, with empty fields for patient and study.

    Args:
        source: Header of an image.
        identity: How much passes; what :data:`KEPT` lists is only added by :func:`finish`.

    Raises:
        ValueError: A UID or number is none, or a UID is missing that references need.
    """
    header = Dataset()
    for keyword in GEOMETRY:
        value = source.get(keyword)
        if value is None or value == '':
            continue
        if keyword in _UIDS and not UID(str(value)).is_valid:
            raise ValueError(f'has a {keyword} that is no UID; correct its header.')
        if keyword in _CODES and not _CODES[keyword].fullmatch(str(value)):
            continue
        if keyword in _NUMBERS and not _are_numbers(value):
            raise ValueError(f'has a {keyword} that is no number; correct its header.')
        setattr(header, keyword, value)
    for keyword in _NEEDED:
        if keyword not in header:
            raise ValueError(f'has no {keyword}, by which other objects refer to it.')
    for keyword in _EMPTY:
        setattr(header, keyword, '')
    if identity.key is not None:
        header = basic_profile_clean(header, identity.key)
    return header


def finish(
    written: Dataset, source: Dataset, identity: Identity, clock: Callable[[], datetime]
) -> None:
    """Say in a new object whose it is, or that this was removed, and when it was made.

    Args:
        written: The object, without patient; it is changed.
        source: Header of an image it was made from, as it was read.
        identity: How much passes.
        clock: Tells the time.
    """
    written.SpecificCharacterSet = 'ISO_IR 192'
    now = clock()
    for keyword in ('InstanceCreationDate', 'ContentDate'):
        if keyword in written:
            setattr(written, keyword, DA(now.date()))
    for keyword in ('InstanceCreationTime', 'ContentTime'):
        if keyword in written:
            setattr(written, keyword, TM(now.time()))
    if identity.kind == 'kept':
        for keyword in KEPT:
            if keyword in source:
                setattr(written, keyword, source.get(keyword))
        return
    if identity.key is not None:
        written.PatientID = basic_profile_clean(_with_id(), identity.key).PatientID
    options = [codes.DCM.BasicApplicationConfidentialityProfile]
    options += [codes.DCM.RetainUidsOption] if identity.kind == 'removed' else []
    written.PatientIdentityRemoved = 'YES'
    written.LongitudinalTemporalInformationModified = 'REMOVED'
    written.DeidentificationMethod = 'Built from a list of what may pass'
    written.DeidentificationMethodCodeSequence = [_item(code) for code in options]


def _are_numbers(value: Any) -> bool:
    values = value if isinstance(value, (list, MultiValue)) else [value]
    try:
        return all(math.isfinite(float(one)) for one in values)
    except (TypeError, ValueError):
        return False


def _with_id() -> Dataset:
    """Return what shows which patient ID the cleaned images have: all have the same."""
    dataset = Dataset()
    dataset.PatientID = 'any'
    return dataset


def _item(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item
