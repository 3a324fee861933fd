"""Write results to files."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..result import Failure, GroundingResult
from .base import ResultWriter
from .coco_writer import CocoWriter
from .csv_writer import CsvWriter
from .json_writer import JsonWriter
from .picture_writer import PictureWriter

__all__ = [
    'WRITERS',
    'CocoWriter',
    'CsvWriter',
    'JsonWriter',
    'PictureWriter',
    'ResultWriter',
    'write_results',
]

WRITERS: dict[str, type[ResultWriter]] = {
    'json': JsonWriter,
    'coco': CocoWriter,
    'csv': CsvWriter,
    'png': PictureWriter,
}
"""Writers by the name of their format."""


def write_results(
    found: Iterable[GroundingResult | Failure], folder: str | Path, formats: Sequence[str]
) -> Iterator[GroundingResult | Failure]:
    """Write results as they come, and pass them on.

    Args:
        found: Of ``MedGLIPInferencer.stream``, with ``view=True`` where ``needs_view``.
        folder: Where files go; it is made.
        formats: Some of :data:`WRITERS`.

    Yields:
        What came. Files are in their places when all has been taken.

    Raises:
        ValueError: An unknown format.
        OSError: The disk is full or fails.
    """
    unknown = [name for name in formats if name not in WRITERS]
    if unknown:
        raise ValueError(f'Formats are {", ".join(WRITERS)}, got {unknown[0]!r}.')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        writers = [stack.enter_context(WRITERS[name](folder)) for name in dict.fromkeys(formats)]
        for one in found:
            for writer in writers:
                if isinstance(one, Failure):
                    writer.fail(one)
                else:
                    writer.add(one)
            yield one
