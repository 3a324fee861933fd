"""What a reader took of a data set, and what it left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from .record import ReportRecord, Sections

__all__ = ['ReportReading', 'SkippedReport']


@dataclass(frozen=True)
class SkippedReport:
    """A report, or one image of a report, that a reader left out.

    Attributes:
        report_id: The report; if it has no id, its place, such as ``line 7``.
        reason: Why, the same words for all of a kind.
        detail: What exactly; may be empty.
    """

    report_id: str
    reason: str
    detail: str = ''


@dataclass(frozen=True)
class ReportReading:
    """The reports of a data set.

    Attributes:
        records: In the order of the source; may be empty.
        skipped: What was left out, in the order of the source.
        source: Folder or file, for messages.
    """

    records: tuple[ReportRecord, ...]
    skipped: tuple[SkippedReport, ...]
    source: str

    def skipped_by_reason(self) -> dict[str, int]:
        """Count what was left out, most frequent reason first."""
        return dict(Counter(one.reason for one in self.skipped).most_common())

    def with_text(self, sections: Sections) -> ReportReading:
        """Leave out reports without text in some sections, as having no ``sections``."""
        kept = [record for record in self.records if record.text(sections).strip()]
        reason = 'no findings and no impression' if sections == 'both' else f'no {sections}'
        return self._without(kept, reason)

    def of_splits(self, splits: Collection[str]) -> ReportReading:
        """Leave out reports of other splits.

        Raises:
            ValueError: A split was asked for that no report has.
        """
        known = sorted({record.split for record in self.records})
        for split in splits:
            if split not in known:
                raise ValueError(
                    f'{self.source} has no report of the split {split!r}; it has '
                    f'{", ".join(repr(one) for one in known) or "no reports"}.'
                )
        kept = [record for record in self.records if record.split in splits]
        return self._without(kept, 'of another split')

    def with_images(self) -> ReportReading:
        """Leave out reports of which no image has a file."""
        kept = [record for record in self.records if any(record.image_paths)]
        return self._without(kept, 'no image file')

    def _without(self, kept: list[ReportRecord], reason: str) -> ReportReading:
        ids = {record.report_id for record in kept}
        gone = [
            SkippedReport(record.report_id, reason)
            for record in self.records
            if record.report_id not in ids
        ]
        return replace(self, records=tuple(kept), skipped=(*self.skipped, *gone))
