"""Choose a few records per label, the same ones for the same seed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mmengine.logging import print_log
from scipy.sparse import csr_array

from mmdet_medglip.visualization.table import render_table

__all__ = ['SHOT_UNITS', 'Shots', 'log_shots', 'select_shots']

SHOT_UNITS = ('image', 'instance')
"""What a shot is: an image that shows the label, or a box of it."""


@dataclass(frozen=True)
class Shots:
    """What was chosen.

    Attributes:
        rows: int64, positions of the chosen records, increasing.
        records: Number of records to choose from.
        available: int64 (L,), shots of each label in all records.
        chosen: int64 (L,), shots of each label in the chosen records.
    """

    rows: np.ndarray
    records: int
    available: np.ndarray
    chosen: np.ndarray


def select_shots(
    counts: np.ndarray | csr_array, shots: int, seed: int = 0, unit: str = 'image'
) -> Shots:
    """Choose records until each label has its shots, rarest label first.

    All records are put in one random order. Then the labels are served, the one with the fewest
    shots available first (of equals, the first in the list): as long as the records chosen so far
    hold fewer than ``shots`` of it, the next record in the random order that shows the label is
    added. A record brings all its labels, so a label that often stands beside rarer ones gets more
    than ``shots``; one with too few records gets all of them. Records without a label are never
    chosen.

    Args:
        counts: int (N, L), dense or sparse, boxes of each label in each record.
        shots: Shots per label, at least 1.
        seed: Of the random order.
        unit: One of ``SHOT_UNITS``.

    Returns:
        The choice.

    Raises:
        ValueError: ``shots`` or ``unit`` is out of range.

    Example:
        >>> boxes = np.array([[1, 0], [1, 2], [1, 0], [0, 0]])
        >>> select_shots(boxes, shots=1).rows.tolist()  # the second shows both
        [1]
    """
    if not isinstance(shots, int) or shots < 1:
        raise ValueError(f'shots must be a positive integer, got {shots!r}.')
    if unit not in SHOT_UNITS:
        raise ValueError(f'shot_unit must be one of {SHOT_UNITS}, got {unit!r}.')
    worth = csr_array(counts, dtype=np.int64)
    if unit == 'image':
        worth = (worth > 0).astype(np.int64)
    shown_by = worth.tocsc()
    available = np.asarray(worth.sum(0))
    rank = np.random.default_rng(seed).permutation(worth.shape[0])
    taken = np.zeros(worth.shape[0], dtype=bool)
    chosen = np.zeros(worth.shape[1], dtype=np.int64)
    for label in np.argsort(available, kind='stable'):
        rows = shown_by.indices[shown_by.indptr[label] : shown_by.indptr[label + 1]]
        rows = rows[~taken[rows]]
        for row in rows[np.argsort(rank[rows])]:
            if chosen[label] >= shots:
                break
            taken[row] = True
            own = slice(worth.indptr[row], worth.indptr[row + 1])
            chosen[worth.indices[own]] += worth.data[own]
    return Shots(np.flatnonzero(taken), len(taken), available, chosen)


def log_shots(found: Shots, labels: Sequence[str], shots: int, unit: str) -> None:
    """Log what each label got; a label with fewer than it should have is a warning.

    Args:
        found: What was chosen.
        labels: Names of the ``L`` labels.
        shots: How many each should have.
        unit: One of ``SHOT_UNITS``.
    """
    rows = list(zip(labels, found.available.tolist(), found.chosen.tolist(), strict=True))
    lacking = [label for label, _, number in rows if number < shots]
    columns = (f'{unit}s of', 'available', 'chosen')
    rows.append(('images in all', found.records, len(found.rows)))
    print_log(render_table(f'{shots} shots per label', columns, rows), logger='current')
    if lacking:
        print_log(
            f'{len(lacking)} of {len(labels)} labels have fewer than shots={shots}: '
            f'{", ".join(lacking)}.',
            logger='current',
            level=logging.WARNING,
        )
