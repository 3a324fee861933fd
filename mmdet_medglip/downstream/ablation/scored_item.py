"""What one answer or report adds to a measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ['MEASURES', 'ScoredItem', 'ratio']

MEASURES = {
    'closed_accuracy': 'closed accuracy',
    'open_recall': 'open recall',
    'finding_f1': 'finding F1',
}
"""Measures and what tables call them."""


@dataclass(frozen=True)
class ScoredItem:
    """One answer or report; a measure is the sum of parts over the sum of wholes.

    Attributes:
        item_id: Of the question or report.
        patient_id: Whose image it is about.
        measure: One of :data:`MEASURES`.
        part: What it adds above the line: 1 for a right closed answer, the share of words of an
            open one, twice the true findings that a report says.
        whole: What it adds below the line: 1 for an answer, said and true findings for a report.
    """

    item_id: str
    patient_id: str
    measure: str
    part: float
    whole: float


def ratio(items: Sequence[ScoredItem]) -> float:
    """Return the measure of some items; NaN where nothing is below the line."""
    whole = float(np.sum([item.whole for item in items]))
    return float(np.sum([item.part for item in items])) / whole if whole else float('nan')
