"""Results as DICOM objects: structured reports, presentation states and segmentations."""

from .algorithm import Algorithm
from .findings import Finding, Region, findings_of_image
from .from_volume import findings_of_volume
from .identity import Identity
from .presentation import write_presentations
from .read_report import ReadFinding, ReadRegion, read_report
from .segmentation import write_segmentations
from .structured_report import write_reports

__all__ = [
    'Algorithm',
    'Finding',
    'Identity',
    'ReadFinding',
    'ReadRegion',
    'Region',
    'findings_of_image',
    'findings_of_volume',
    'read_report',
    'write_presentations',
    'write_reports',
    'write_segmentations',
]
