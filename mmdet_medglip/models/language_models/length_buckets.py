"""Which prompts to pad together."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ['length_buckets']


def length_buckets(lengths: Sequence[int], call_cost: int) -> list[list[int]]:
    """Group prompts so that padding costs less than the calls that avoid it.

    Sorted by length, groups are neighbours; of all ways to cut the row into groups the one of
    least cost is taken (dynamic programming, quadratic in the number of prompts).

    Args:
        lengths: Number of tokens of each prompt.
        call_cost: What a call of the encoder costs beside its tokens, in tokens.

    Returns:
        Indices of ``lengths``, each once; the longest first.

    Example:
        >>> length_buckets([4, 200, 5, 190, 4], call_cost=32)
        [[1, 3], [2, 0, 4]]
        >>> length_buckets([4, 5], call_cost=32)
        [[1, 0]]
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    # The least cost of order[i:], and where its first group ends.
    best: list[tuple[int, int]] = [(0, 0)] * (len(order) + 1)
    for start in reversed(range(len(order))):
        longest = lengths[order[start]]
        best[start] = min(
            (call_cost + (end - start) * longest + best[end][0], end)
            for end in range(start + 1, len(order) + 1)
        )
    groups, start = [], 0
    while start < len(order):
        end = best[start][1]
        groups.append(order[start:end])
        start = end
    return groups
