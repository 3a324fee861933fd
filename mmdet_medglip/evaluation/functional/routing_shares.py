"""How many images reach the expert of their modality.

Three things can happen to an image: it goes to the right expert, to a wrong one, or to none. The
last is the lesser evil, so it is counted apart; *accuracy* is the share whose likeliest modality
is right, whether it was relied on or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['Routed', 'routing_shares']


@dataclass(frozen=True)
class Routed:
    """What became of one image.

    Args:
        truth: Its modality.
        used: The modality it was routed to; None if it was to none.
        likeliest: The modality that it was taken for, relied on or not.
    """

    truth: str
    used: str | None
    likeliest: str | None


def routing_shares(images: Sequence[Routed]) -> dict[str, float]:
    """Shares of the images.

    Args:
        images: What became of each.

    Returns:
        ``accuracy``, ``right``, ``wrong`` and ``abstained``, each in [0, 1]; the last three sum to
        1. NaN without any image.

    Example:
        >>> shares = routing_shares([Routed('ct', 'ct', 'ct'), Routed('mri', None, 'mri')])
        >>> shares
        {'accuracy': 1.0, 'right': 0.5, 'wrong': 0.0, 'abstained': 0.5}
    """
    count = len(images)
    numbers = {
        'accuracy': sum(image.likeliest == image.truth for image in images),
        'right': sum(image.used == image.truth for image in images),
        'wrong': sum(image.used not in (None, image.truth) for image in images),
        'abstained': sum(image.used is None for image in images),
    }
    return {name: number / count if count else float('nan') for name, number in numbers.items()}
