"""A bounded memory of what was computed last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

__all__ = ['RecentCache']

K = TypeVar('K', bound=Hashable)
V = TypeVar('V')


class RecentCache(Generic[K, V]):
    """Keep the values used last; a copy or a pickle of it is empty.

    Args:
        size: Number of values kept; 0 keeps none.

    Raises:
        ValueError: ``size`` is negative.

    Example:
        >>> cache = RecentCache(size=2)
        >>> cache.fetch(['a', 'b', 'a'], lambda lost: [key.upper() for key in lost])
        {'a': 'A', 'b': 'B'}
        >>> cache.fetch(['b', 'c'], lambda lost: [f'new {key}' for key in lost])
        {'b': 'B', 'c': 'new c'}
        >>> 'a' in cache
        False
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f'cache_size={size}; expected 0 (no cache) or more.')
        self.size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def __reduce__(self) -> tuple:
        return type(self), (self.size,)

    def fetch(self, keys: Sequence[K], compute: Callable[[list[K]], Iterable[V]]) -> dict[K, V]:
        """Values of the keys; those that are not kept are computed, all in one call.

        Args:
            keys: May repeat, and may be more than are kept.
            compute: Gives the values of the keys it gets, which are distinct, in their order.

        Returns:
            The value of each distinct key.
        """
        distinct = list(dict.fromkeys(keys))
        lost = [key for key in distinct if key not in self._items]
        new = dict(zip(lost, compute(lost), strict=True)) if lost else {}
        found = {key: new[key] if key in new else self._items[key] for key in distinct}
        for key, value in found.items():
            self._items[key] = value
            self._items.move_to_end(key)
        while len(self._items) > self.size:
            self._items.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
