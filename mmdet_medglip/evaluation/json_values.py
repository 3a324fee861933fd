"""Figures as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .functional.paired import PairedDifference

__all__ = ['json_values']


def json_values(value: Any) -> Any:
    """Return figures as JSON has them: NaN becomes null, in mappings and sequences too."""
    if isinstance(value, PairedDifference):
        value = vars(value) | {'difference': value.difference}
    if isinstance(value, Mapping):
        return {name: json_values(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(one) for one in value]
    return None if value != value else value
