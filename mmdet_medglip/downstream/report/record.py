"""One report and the images it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

__all__ = ['SECTIONS', 'ReportRecord', 'Sections']

Sections = Literal['findings', 'impression', 'both']
SECTIONS: tuple[Sections, ...] = get_args(Sections)
"""Which text of a report is meant; ``both`` puts the impression on a line below the findings."""


@dataclass(frozen=True)
class ReportRecord:
    r"""A report of one study.

    Attributes:
        report_id: Names the report; not empty.
        image_ids: Ids of its images; one at least.
        image_paths: File of each image; None where it is not known.
        findings: What the images show; may be empty, as ``impression``. Both are empty where the
            report is yet to be written.
        impression: The conclusion.
        patient_id: Whose report it is; empty if not known.
        split: ``train``, ``val``, ``test``, or empty if the source does not say.

    Raises:
        ValueError: A field has another type, an id is empty, or paths do not fit the ids.

    Example:
        >>> record = ReportRecord('1', ('1_a',), (None,), 'No effusion.', 'Normal.', 'p1')
        >>> record.text('both')
        'No effusion.\nNormal.'
    """

    report_id: str
    image_ids: tuple[str, ...]
    image_paths: tuple[Path | None, ...]
    findings: str
    impression: str
    patient_id: str
    split: str = ''

    def __post_init__(self) -> None:
        if not isinstance(self.report_id, str) or not self.report_id.strip():
            raise ValueError(f'report_id must be a non-empty string, got {self.report_id!r:.80}.')
        for name in ('findings', 'impression', 'patient_id', 'split'):
            value = getattr(self, name)
            if not isinstance(value, str):
                self._refuse(f'{name} must be a string, got {value!r:.80}')
        if not self.image_ids:
            self._refuse('image_ids must name one image at least')
        for image_id in self.image_ids:
            if not isinstance(image_id, str) or not image_id.strip():
                self._refuse(f'image_ids must be non-empty strings, got {image_id!r:.80}')
        if len(set(self.image_ids)) != len(self.image_ids):
            self._refuse('image_ids must all be different')
        if len(self.image_paths) != len(self.image_ids):
            self._refuse(
                f'{len(self.image_ids)} image_ids need as many image_paths, got '
                f'{len(self.image_paths)}'
            )

    def text(self, sections: Sections = 'both') -> str:
        """Return the text of some sections; empty if they are.

        Raises:
            ValueError: ``sections`` is none of :data:`SECTIONS`.
        """
        if sections not in SECTIONS:
            raise ValueError(f'sections must be one of {", ".join(SECTIONS)}, got {sections!r}.')
        parts = {
            'findings': (self.findings,),
            'impression': (self.impression,),
            'both': (self.findings, self.impression),
        }[sections]
        return '\n'.join(part for part in parts if part)

    def _refuse(self, why: str) -> None:
        raise ValueError(f'Report {self.report_id!r}: {why}.')
