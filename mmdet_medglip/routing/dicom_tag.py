"""The modality that a DICOM file names."""

from pathlib import Path

from mmdet_medglip.ingest.dicom.attributes import modality_of
from mmdet_medglip.ingest.dicom.files import is_dicom, open_dicom
from mmdet_medglip.ontology import Ontology

from .route import UNROUTED

__all__ = ['modality_in_header']


def modality_in_header(path: str | Path, ontology: Ontology) -> str | None:
    """Read the modality in the header of a file; its pixels are not read.

    Args:
        path: Any file.
        ontology: Its names of modalities contain DICOM's codes.

    Returns:
        The modality id; ``'unrouted'`` if the header names one that the ontology does not know,
        such as PT; None if the file is no DICOM file, or its code leaves the modality open
        (photographs, screen captures, none).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the header is damaged.
    """
    path = Path(path)
    if not is_dicom(path):
        return None
    header = open_dicom(path, pixels=False, tags=('Modality',))
    try:
        return modality_of(header, ontology)
    except ValueError:
        return UNROUTED
