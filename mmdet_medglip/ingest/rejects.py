"""What was not taken, at which stage and why."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = [
    'REJECT_SCHEMA',
    'STAGES',
    'Reject',
    'count_rejects',
    'one_line',
    'read_rejects',
    'summarise_rejects',
    'write_rejects',
]

STAGES = ('read', 'labels', 'boxes', 'quality', 'identity', 'split', 'write')
"""The stages of an ingest, in their order."""

_LONGEST = 500
_MAX_BYTES = 4 << 30

REJECT_SCHEMA = pa.schema(
    [
        pa.field('source', pa.string(), nullable=False),
        pa.field('file', pa.string(), nullable=False),
        pa.field('stage', pa.string(), nullable=False),
        pa.field('reason', pa.string(), nullable=False),
        pa.field('detail', pa.string(), nullable=False),
        pa.field('count', pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Reject:
    """Something of a source that did not get into the store.

    Args:
        source: Name of the data set.
        file: The file or item, relative to the data set.
        stage: One of :data:`STAGES`.
        reason: Why, in words that other rejects share; reports count by it.
        detail: What exactly, for this one.
        count: How many images or regions this row stands for, >= 1.

    Raises:
        ValueError: If the stage is unknown or the count is below 1.
    """

    source: str
    file: str
    stage: str
    reason: str
    detail: str = ''
    count: int = 1

    def __post_init__(self) -> None:
        """Check the stage and the count."""
        if self.stage not in STAGES:
            raise ValueError(f"'stage' must be one of {', '.join(STAGES)}, got {self.stage!r}.")
        if self.count < 1:
            raise ValueError(f"'count' must be >= 1, got {self.count}.")


def one_line(text: str) -> str:
    r"""Make a text from outside fit for a table: on one line, of 500 characters at most.

    Characters that cannot be printed, such as a NUL or a change of the writing direction, become
    escapes.

    Example:
        >>> one_line('bad name:\nx\x00y')
        'bad name: x\\x00y'
    """
    start = text[: 2 * _LONGEST]
    line = ''.join(
        char if char.isprintable() else char.encode('unicode_escape').decode('ascii')
        for char in ' '.join(start.split())
    )
    is_whole = len(line) <= _LONGEST and len(start) == len(text)
    return line if is_whole else f'{line[: _LONGEST - 4]} ...'


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    """Write rejects as parquet, all or nothing.

    Args:
        path: File to write; an older one is replaced.
        rejects: The rows, in order.
    """
    columns = list(zip(*(astuple(reject) for reject in rejects), strict=True))
    names = [field.name for field in fields(Reject)]
    data = dict(zip(names, columns or [()] * len(names), strict=True))
    partial = path.with_name(f'.{path.name}.partial')
    pq.write_table(pa.table({k: list(v) for k, v in data.items()}, REJECT_SCHEMA), partial)
    os.replace(partial, path)


def read_rejects(path: Path) -> Iterator[Reject]:
    """Read the rows of a file of :func:`write_rejects`; none if there is no file.

    Raises:
        ValueError: If it is damaged, or unpacks to over 4 GiB.
    """
    if not path.is_file():
        return
    try:
        with pq.ParquetFile(path) as file:
            groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
            if sum(group.total_byte_size for group in groups) > _MAX_BYTES:
                raise ValueError('it unpacks to far too much')
            for batch in file.iter_batches():
                for row in batch.cast(REJECT_SCHEMA).to_pylist():
                    yield Reject(**row)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise ValueError(
            f'{path} is no table of rejects, or damaged ({one_line(str(error))}); run the ingest '
            'again.'
        ) from error


def summarise_rejects(rejects: Iterable[Reject]) -> dict[str, dict[str, int]]:
    """Add up ``count`` as ``{stage: {reason: count}}``, sorted, as ``store.json`` tells it."""
    summary: dict[str, dict[str, int]] = {}
    for (stage, reason), count in sorted(count_rejects(rejects).items()):
        summary.setdefault(stage, {})[reason] = count
    return summary


def count_rejects(rejects: Iterable[Reject]) -> Counter[tuple[str, str]]:
    """Add up ``count`` by ``(stage, reason)``."""
    counts: Counter[tuple[str, str]] = Counter()
    for reject in rejects:
        counts[reject.stage, reject.reason] += reject.count
    return counts
