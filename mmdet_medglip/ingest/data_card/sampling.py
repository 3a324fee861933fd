"""Choose example images by hash: the same ones whatever their order or the number of workers."""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

__all__ = ['Group', 'HashSample', 'image_hash', 'round_robin']

Group = tuple[str, ...]
T = TypeVar('T', bound=Hashable)


def image_hash(image_id: str) -> int:
    """Return a number in [0, 2**64) that depends on the id only."""
    data = image_id.encode('utf-8', 'surrogatepass')
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), 'big')


class HashSample:
    """Keep, for each group, the positions of the images with the smallest hashes.

    Args:
        size: Images per group, >= 0.

    Raises:
        ValueError: If ``size`` is negative.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"'size' must be >= 0, got {size}.")
        self._size = size
        self._heaps: dict[Group, list[tuple[int, int]]] = defaultdict(list)
        self._salts: dict[Group, int] = {}

    def add(self, group: Group, number: int, position: int) -> None:
        """Offer an image to a group.

        Args:
            group: The group; ``repr`` of it salts the hash, so that groups differ.
            number: Hash of the image, see :func:`image_hash`.
            position: Position of the image in the store.
        """
        salt = self._salts.get(group)
        if salt is None:
            salt = self._salts[group] = image_hash(repr(group))
        entry = (-(number ^ salt), -position)
        heap = self._heaps[group]
        if len(heap) < self._size:
            heapq.heappush(heap, entry)
        elif heap and entry > heap[0]:
            heapq.heapreplace(heap, entry)

    def groups(self) -> list[Group]:
        """Return the groups, in the order of their first image."""
        return list(self._heaps)

    def positions(self, group: Group) -> list[int]:
        """Return the positions kept for a group, by hash; none for an unknown group."""
        return [-position for _, position in sorted(self._heaps.get(group, ()), reverse=True)]


def round_robin(lists: Sequence[Sequence[T]], number: int) -> list[T]:
    """Take the first of each list, then the second of each, without repeats.

    Args:
        lists: Lists to take from.
        number: How many to take at most.

    Returns:
        The items taken.

    Example:
        >>> round_robin([[1, 2, 3], [7]], 3)
        [1, 7, 2]
    """
    longest = max(map(len, lists), default=0)
    mixed = [items[turn] for turn in range(longest) for items in lists if turn < len(items)]
    return list(dict.fromkeys(mixed))[:number]
