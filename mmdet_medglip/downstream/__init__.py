"""From boxes to answers: what grounded regions are worth to question answering and reporting.

``ImageRegions`` is what a detector, or the truth, says of one image. ``region_sources`` make them
from result files and stores, ``context`` turns them into what models take. Nothing here needs
torch until a model is run.
"""

from .region_matching import match_regions
from .region_sources import patients_of, predicted_regions, shuffled_regions, true_regions
from .regions import ImageRegions

__all__ = [
    'ImageRegions',
    'match_regions',
    'patients_of',
    'predicted_regions',
    'shuffled_regions',
    'true_regions',
]
