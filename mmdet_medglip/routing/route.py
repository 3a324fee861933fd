"""The modality that was decided for an image, and how."""

from typing import NamedTuple

__all__ = ['AUTO', 'SIDE', 'UNROUTED', 'Route', 'Verdict', 'follow']

SIDE = 64
"""Height and width in pixels of the thumbnail that a modality is told by."""

AUTO = 'auto'
"""Modality of an image that nobody named: find it."""
UNROUTED = 'unrouted'
"""Modality of an image for which none was found and no fallback is named."""


class Verdict(NamedTuple):
    """What a classifier says of an image.

    Attributes:
        modality: The likeliest of the modalities it knows.
        confidence: Its probability, 0..1, against the other modalities and "foreign" together.
        distance: How far the image lies from known ones; at most 1 for those that pass.
        accepted: Whether confidence and distance allow to rely on it.
    """

    modality: str
    confidence: float
    distance: float
    accepted: bool


class Route(NamedTuple):
    """Where an image goes, ``metainfo['routing']`` as a dict.

    Attributes:
        modality: The modality that is used; ``'unrouted'`` for none.
        by: ``'given'``, ``'dicom'`` (header), ``'image'`` (classifier), ``'fallback'`` or
            ``'abstained'``.
        confidence: 1 where it was given or read; else the classifier's, 0 where a header names
            a modality that is not served.
        distance: The classifier's; 0 where it was not asked.
        likeliest: What the classifier would have said, also where it was not followed.
    """

    modality: str
    by: str
    confidence: float = 1.0
    distance: float = 0.0
    likeliest: str | None = None


def follow(verdict: Verdict | None, fallback: str | None = None) -> Route:
    """Decide by what a classifier said.

    Args:
        verdict: Its verdict; None where it was not asked.
        fallback: Modality to use where the verdict does not allow to rely on it.

    Example:
        >>> follow(Verdict('ct', 0.9, 0.8, accepted=True)).by
        'image'
        >>> follow(Verdict('ct', 0.9, 3.0, accepted=False)).modality
        'unrouted'
    """
    if verdict is not None and verdict.accepted:
        return Route(verdict.modality, 'image', verdict.confidence, verdict.distance, verdict[0])
    told = (0.0, 0.0, None) if verdict is None else (*verdict[1:3], verdict.modality)
    if fallback is not None:
        return Route(fallback, 'fallback', *told)
    return Route(UNROUTED, 'abstained', *told)
