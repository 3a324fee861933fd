"""What an export wrote, and what its format could not hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ['ExportReport']


@dataclass(frozen=True)
class ExportReport:
    """The result of an export.

    Args:
        files: Files written, in the order of the splits.
        records: Images written.
        regions: Regions written.
        left_out: Number of regions (or images) not written, by reason; empty if all were.
    """

    files: tuple[Path, ...]
    records: int
    regions: int
    left_out: Mapping[str, int]
