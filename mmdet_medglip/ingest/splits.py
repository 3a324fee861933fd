"""Splits by patient: a hash decides, so that new data never moves an old patient."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from mmdet_medglip.structures import SPLITS

__all__ = ['DEFAULT_FRACTIONS', 'SplitPolicy', 'assign_split', 'check_fractions']

DEFAULT_FRACTIONS: Mapping[str, float] = {'train': 0.7, 'val': 0.15, 'test': 0.15}


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Check that fractions name splits, are not negative and sum to 1.

    Args:
        fractions: Share of patients per split, each in [0, 1].

    Raises:
        ValueError: If they do not.
    """
    unknown = [name for name in fractions if name not in SPLITS]
    if unknown:
        raise ValueError(f'Unknown split {unknown[0]!r}; known are {", ".join(SPLITS)}.')
    values = list(fractions.values())
    if any(value < 0 for value in values) or not math.isclose(sum(values), 1.0, abs_tol=1e-6):
        raise ValueError(
            f'Split fractions must be >= 0 and sum to 1, got {dict(fractions)}; adjust them.'
        )


def assign_split(
    patient_id: str, fractions: Mapping[str, float] = DEFAULT_FRACTIONS, seed: int = 0
) -> str:
    """Choose the split of a patient from a hash of its id.

    The choice depends on these arguments only: neither on other patients nor on their order.

    Args:
        patient_id: Any non-empty string; prefix it with the data set where ids may repeat.
        fractions: Share of patients per split, each in [0, 1], in sum 1.
        seed: Another seed gives another, independent assignment.

    Returns:
        ``train``, ``val`` or ``test``.

    Raises:
        ValueError: If the id is empty or the fractions are not as said.

    Example:
        >>> assign_split('patient-1', {'train': 1.0})
        'train'
    """
    if not patient_id:
        raise ValueError("'patient_id' is empty; a split needs an id for every patient.")
    check_fractions(fractions)
    digest = hashlib.sha256(f'{seed}:{patient_id}'.encode()).digest()
    position = int.from_bytes(digest[:8], 'big') / 2**64
    edge = 0.0
    chosen = ''
    for name in SPLITS:
        share = fractions.get(name, 0.0)
        edge += share
        if share > 0:
            chosen = name
            if position < edge:
                break
    return chosen


class SplitPolicy:
    """How a data set is split.

    Args:
        options: One of ``{'fractions': {split: share}, 'seed': 0}``, patients by hash;
            ``{'folders': {folder: split}}``, as the source has it; ``{'fixed': split}``, one for
            all. Empty: the default fractions.

    Raises:
        ValueError: If it is none of these, or names an unknown split.

    Example:
        >>> SplitPolicy({'folders': {'valid': 'val'}}).choose('p1', 'valid')
        'val'
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        rest = dict(options)
        self._seed = int(rest.pop('seed', 0))
        chosen: tuple[str, Any] = rest.popitem() if rest else ('fractions', DEFAULT_FRACTIONS)
        self._kind, self._value = chosen
        if rest or self._kind not in ('fixed', 'folders', 'fractions'):
            raise ValueError(
                f"'split' needs one of 'fixed', 'folders' or 'fractions', got {dict(options)!r}."
            )
        if self._kind == 'fractions':
            check_fractions(self._value)
        elif self._kind == 'fixed':
            check_fractions({self._value: 1.0})
        else:
            for split in self._value.values():
                check_fractions({split: 1.0})

    def choose(self, patient_id: str, folder: str | None = None) -> str:
        """Choose the split of an item.

        Args:
            patient_id: Its patient.
            folder: Its split in the source; needed for ``folders`` only.

        Returns:
            ``train``, ``val`` or ``test``.

        Raises:
            ValueError: If the policy is ``folders`` and does not list the folder.
        """
        if self._kind == 'fixed':
            return str(self._value)
        if self._kind == 'fractions':
            return assign_split(patient_id, self._value, self._seed)
        if folder not in self._value:
            known = ', '.join(self._value)
            raise ValueError(
                f"Split folder {folder!r} is not among {known}; add it to 'split: folders'."
            )
        return str(self._value[folder])
