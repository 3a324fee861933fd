"""DICOM files, with segmentations or contours among them."""

from collections import Counter
from collections.abc import Iterable

from pydicom import Dataset

from ..dicom.files import is_dicom, open_dicom
from .draft import Draft
from .scan import FAULTS, Scan

__all__ = ['guess_dicom']

_HEADERS = 200
_TYPES = {'CT': 'ct', 'MR': 'mri', 'CR': 'xray', 'DX': 'xray', 'MG': 'xray', 'US': 'ultrasound'}


def guess_dicom(scan: Scan, annotated: bool = True) -> Draft | None:
    """Look for DICOM files.

    Args:
        scan: The folder.
        annotated: Whether to take them with SEG or RTSTRUCT files only.
    """
    headers = {}
    for name in [*scan.of('.dcm', '.dicom', '.ima', '')][: 50 * _HEADERS]:
        header = _header(scan, name)
        if header is not None:
            headers[name] = header
        if len(headers) >= _HEADERS:
            break
    kinds = Counter(str(header.get('Modality', '')) for header in headers.values())
    marks = next((kind for kind in ('SEG', 'RTSTRUCT') if kinds[kind]), None)
    images = [name for name, h in headers.items() if h.get('Modality') not in ('SEG', 'RTSTRUCT')]
    if not images or (annotated and marks is None):
        return None
    draft = Draft(
        'DicomReader',
        {} if marks is None else {'annotations': marks.lower()},
        {'reader': ', '.join(f'{count} {kind}' for kind, count in kinds.most_common(5))},
        images=images,
        modality=_TYPES.get(_most(str(headers[name].get('Modality')) for name in images)),
    )
    if marks == 'SEG':
        draft.names = sorted(
            {
                str(segment.get('SegmentLabel', ''))
                for header in headers.values()
                for segment in header.get('SegmentSequence', ())
            }
        )
    elif marks == 'RTSTRUCT':
        draft.names = sorted(
            {
                str(roi.get('ROIName', ''))
                for header in headers.values()
                for roi in header.get('StructureSetROISequence', ())
            }
        )
    else:
        draft.why['reader'] += '; no SEG or RTSTRUCT: images without regions'
    return draft


def _header(scan: Scan, name: str) -> Dataset | None:
    try:
        if not is_dicom(scan.path(name)):
            return None
        return open_dicom(scan.path(name), pixels=False)
    except FAULTS:
        return None


def _most(kinds: Iterable[str]) -> str:
    return Counter(kinds).most_common(1)[0][0]
