"""What a model wrote, and what it had been given: a line of a file of generated reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..line_log import check_fields
from ..vqa.answer import Evidence

__all__ = ['GeneratedReport', 'read_generated']


@dataclass(frozen=True)
class GeneratedReport:
    """One generated report.

    Attributes:
        report_id: Of the report.
        image_ids: Images that the model was given, in their order.
        text: What the model wrote; may be empty.
        context: What it was told of the regions; empty without context.
        evidence: The regions of each image by its id; empty without context.
        model: Name of the model.
        condition: What kind of regions it was given, such as ``none`` or ``predicted``.
        settings: Digest of all that the text depends on besides images and regions.
        picture: ``file``, or ``stand-in`` where a made picture took the place of a missing one.

    Raises:
        ValueError: A field has another type.
    """

    report_id: str
    image_ids: tuple[str, ...]
    text: str
    context: str
    evidence: Mapping[str, tuple[Evidence, ...]]
    model: str
    condition: str
    settings: str
    picture: str = 'file'

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ('evidence', 'image_ids') and not isinstance(value, str):
                raise ValueError(
                    f'{field.name!r} of a report must be text, got {type(value).__name__} '
                    f'{value!r:.80}.'
                )

    def to_line(self) -> dict[str, Any]:
        """Return the object of its line."""
        evidence = {name: [asdict(one) for one in found] for name, found in self.evidence.items()}
        line = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**line, 'image_ids': list(self.image_ids), 'evidence': evidence}

    @classmethod
    def from_line(cls, row: Mapping[str, Any], where: str) -> GeneratedReport:
        """Read the object of a line.

        Args:
            row: The object.
            where: File and line, for messages.

        Raises:
            ValueError: A field is missing, unknown or of another type.
        """
        check_fields(row, cls, where, 'tools/report.py generate')
        try:
            evidence = {
                str(name): tuple(Evidence.from_row(one) for one in found)
                for name, found in row['evidence'].items()
            }
            image_ids = tuple(str(name) for name in row['image_ids'])
            return cls(**{**row, 'evidence': evidence, 'image_ids': image_ids})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f'{where} is no generated report: {error}') from None


def read_generated(rows: list[dict[str, Any]], path: str) -> dict[str, GeneratedReport]:
    """Read the lines of a file of generated reports.

    Args:
        rows: Of :func:`..line_log.read_log`.
        path: The file, for messages.

    Returns:
        Reports by id, in the order of the file.

    Raises:
        ValueError: There is none, a line is no report, or an id is there twice.
    """
    found: dict[str, GeneratedReport] = {}
    for number, row in enumerate(rows, start=1):
        report = GeneratedReport.from_line(row, f'{path}, line {number}')
        if report.report_id in found:
            raise ValueError(f'{path}, line {number} has {report.report_id!r} a second time.')
        found[report.report_id] = report
    if not found:
        raise ValueError(f'{path} has no reports yet: run tools/report.py generate with it.')
    return found
