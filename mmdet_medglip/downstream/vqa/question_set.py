"""The questions of a file, and those that could not be taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .record import VqaRecord

__all__ = ['NotAsked', 'QuestionSet', 'Row', 'SkippedQuestion', 'collect_questions']


class Row(NamedTuple):
    """One question as a file has it.

    Attributes:
        where: File and place in it, for messages.
        values: Its fields.
    """

    where: str
    values: Any


class NotAsked(Exception):  # noqa: N818 - a choice, not an error
    """Raised by a reader for a question that its options leave out; says which ones these are."""


@dataclass(frozen=True)
class SkippedQuestion:
    """A question that could not be taken.

    Attributes:
        where: File and place in it.
        reason: What is wrong.
    """

    where: str
    reason: str


@dataclass(frozen=True, eq=False)
class QuestionSet:
    """The questions of a file.

    Attributes:
        records: In the order of the file.
        skipped: What could not be taken, and why.
        left_out: Number of questions that options leave out, by which ones these are.
    """

    records: tuple[VqaRecord, ...]
    skipped: tuple[SkippedQuestion, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of questions taken."""
        return len(self.records)

    def summary(self) -> str:
        """Say in a few lines what was taken and what was not, with the first reasons."""
        closed = sum(record.answer_type == 'closed' for record in self.records)
        images = len({record.image_id for record in self.records})
        lines = [
            f'{len(self)} questions ({closed} closed, {len(self) - closed} open) about {images} '
            'images'
        ]
        lines += [f'left out: {count} {which}' for which, count in self.left_out.items()]
        if self.skipped:
            lines.append(f'skipped: {len(self.skipped)} questions that cannot be asked')
            lines += [f'  {one.where}: {one.reason}' for one in self.skipped[:5]]
            if len(self.skipped) > 5:
                lines.append(f'  and {len(self.skipped) - 5} more')
        return '\n'.join(lines)


def collect_questions(
    rows: Iterable[Row], parse: Callable[[Any], VqaRecord], skip_bad: bool = False
) -> QuestionSet:
    """Parse all rows.

    Args:
        rows: Of a file.
        parse: Makes a record of a row's values; raises ``ValueError`` for a bad one and
            :class:`NotAsked` for one that is not wanted.
        skip_bad: Whether bad rows are skipped and kept with their reason, instead of an error.

    Raises:
        ValueError: A row is bad or repeats a question id, or there is no question at all.
    """
    records: list[VqaRecord] = []
    skipped: list[SkippedQuestion] = []
    left_out: Counter[str] = Counter()
    taken: dict[str, str] = {}
    last = 'the file'
    for where, values in rows:
        last = where
        try:
            record = parse(values)
            first = taken.setdefault(record.question_id, where)
            if first is not where:
                raise ValueError(f'question_id {record.question_id!r} is that of {first} too.')
            records.append(record)
        except NotAsked as choice:
            left_out[str(choice)] += 1
        except ValueError as error:
            if not skip_bad:
                raise ValueError(
                    f'{where}: {error} Or skip such questions (--skip-bad-questions).'
                ) from None
            skipped.append(SkippedQuestion(where, str(error)))
    if not records:
        why = f'; the first of {len(skipped)} skipped: {skipped[0].reason}' if skipped else ''
        raise ValueError(f'No question is left of {last.split(",")[0]}{why}.')
    return QuestionSet(tuple(records), tuple(skipped), dict(left_out))
