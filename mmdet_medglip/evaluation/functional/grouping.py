"""Sort things into groups by name."""

from collections.abc import Iterable
from typing import TypeVar

__all__ = ['grouped']

T = TypeVar('T')


def grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """Gather what has one name.

    Args:
        pairs: Name and thing.

    Returns:
        Name to things in their order; names in alphabetical order.

    Example:
        >>> grouped([('mri', 1), ('ct', 2), ('mri', 3)])
        {'ct': [2], 'mri': [1, 3]}
    """
    groups: dict[str, list[T]] = {}
    for name, thing in pairs:
        groups.setdefault(name, []).append(thing)
    return dict(sorted(groups.items()))
