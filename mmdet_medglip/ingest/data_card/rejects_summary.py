"""Rejects added up, with examples."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..rejects import STAGES, Reject

__all__ = ['RejectGroup', 'summarise_rejects']

_EXAMPLES = 3


@dataclass(frozen=True)
class RejectGroup:
    """Rejects of one stage, reason and source.

    Args:
        stage: One of :data:`STAGES`.
        reason: Why.
        source: Name of the data set.
        count: Images or regions.
        examples: The first files and details, at most three.
    """

    stage: str
    reason: str
    source: str
    count: int
    examples: tuple[str, ...]


def summarise_rejects(rejects: Iterable[Reject]) -> list[RejectGroup]:
    """Add up rejects.

    Args:
        rejects: The rows; walked over once.

    Returns:
        Groups by stage, then by count, the largest first.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for reject in rejects:
        key = (reject.stage, reject.reason, reject.source)
        counts[key] += reject.count
        example = f'{reject.file}: {reject.detail}' if reject.detail else reject.file
        if len(examples[key]) < _EXAMPLES and example not in examples[key]:
            examples[key].append(example)
    order = sorted(counts, key=lambda key: (STAGES.index(key[0]), -counts[key], key))
    return [RejectGroup(*key, counts[key], tuple(examples[key])) for key in order]
