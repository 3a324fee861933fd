"""Labels and sources kept out of training, to test on what a model has never seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from mmdet_medglip.ontology import Ontology

from .sources import RecordSource

__all__ = ['HoldOut']

PARTS = ('seen', 'unseen')


@dataclass(frozen=True)
class HoldOut:
    """A rule that parts labels, or sources, in seen and unseen ones.

    By label: of ``folds`` equal shares of all labels, ``fold`` is unseen. The share of a label
    follows from its id alone (SHA-256, without the side, so that left and right stay together): it
    does not change with the data. Named ``labels`` are unseen too. Boxes of the other part's
    labels are left out, and these are not asked for; the images stay.

    By source: images of ``sources`` are unseen.

    Args:
        ontology: Where names of labels are found.
        fold: Unseen share, ``0 <= fold < folds``.
        folds: Number of shares; 0 for none.
        labels: Unseen labels, by any name.
        sources: Unseen sources.
        part: ``'seen'`` or ``'unseen'``, what is taken.

    Raises:
        ValueError: A name is unknown, or a number out of range.

    Example:
        >>> train = HoldOut(Ontology.default(), labels=['right kidney'])
        >>> train.takes_label('kidney_right'), train.takes_label('kidney_left')
        (False, True)
    """

    ontology: Ontology
    _: KW_ONLY
    fold: int = 0
    folds: int = 0
    labels: Sequence[str] = ()
    sources: Sequence[str] = ()
    part: str = 'seen'

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ValueError(f'hold_out.part must be one of {PARTS}, got {self.part!r}.')
        for name in ('labels', 'sources'):
            if isinstance(getattr(self, name), str):
                raise ValueError(f'hold_out.{name} must be a list, got {getattr(self, name)!r}.')
        if self.folds and not 0 <= self.fold < self.folds:
            raise ValueError(
                f'hold_out.fold must be at least 0 and below folds={self.folds}, got {self.fold}.'
            )
        try:
            named = frozenset(self.ontology.parse_label(name) for name in self.labels)
        except ValueError as error:
            raise ValueError(f'hold_out.labels: {error}') from error
        object.__setattr__(self, 'labels', named)

    @property
    def takes_all_labels(self) -> bool:
        """Whether the rule is not about labels."""
        return not self.folds and not self.labels

    def takes_label(self, label: str) -> bool:
        """Whether a label id belongs to the part that is taken."""
        if self.takes_all_labels:
            return True
        unseen = label in self.labels or (self.folds and share(label, self.folds) == self.fold)
        return bool(unseen) == (self.part == 'unseen')

    def rows(self, source: RecordSource) -> np.ndarray:
        """Return a mask, bool ``(len(source),)``, of the records that are taken.

        Raises:
            ValueError: There is no record of a source that is held out.
        """
        if not self.sources:
            return np.ones(len(source), dtype=bool)
        known = source.counts('source')
        missing = [name for name in self.sources if name not in known]
        if missing:
            raise ValueError(
                f'hold_out.sources: {source.origin} has no record of {missing[0]!r}; it has '
                f'{", ".join(known) or "no source field"}.'
            )
        unseen = source.indices('source', self.sources)
        return unseen if self.part == 'unseen' else ~unseen


def share(label: str, folds: int) -> int:
    """Return the share of a label id, at least 0 and below ``folds``; that of its other side too.

    Example:
        >>> share('kidney_left', 4) == share('kidney_right', 4)
        True
    """
    stem = '_'.join(word for word in label.split('_') if word not in ('left', 'right'))
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8], 'big') % folds
