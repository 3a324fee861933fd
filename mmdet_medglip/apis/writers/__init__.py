"""Write results to files."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..result import Failure, GroundingResult
from .base import ResultWriter
from .coco_writer import CocoWriter
from .csv_writer import CsvWriter
from .dicom_writer import PresentationWriter, ReportWriter, SegmentationWriter
from .json_writer import JsonWriter
from .picture_writer import PictureWriter
from .volume_writer import VolumeWriter
from .write_options import WriteOptions

__all__ = [
    'WRITERS',
    'CocoWriter',
    'CsvWriter',
    'JsonWriter',
    'PictureWriter',
    'PresentationWriter',
    'ReportWriter',
    'ResultWriter',
    'SegmentationWriter',
    'VolumeWriter',
    'WriteOptions',
    'output_folders',
    'write_results',
]

WRITERS: dict[str, type[ResultWriter]] = {
    'json': JsonWriter,
    'coco': CocoWriter,
    'csv': CsvWriter,
    'png': PictureWriter,
    'nifti': VolumeWriter,
    'sr': ReportWriter,
    'gsps': PresentationWriter,
    'seg': SegmentationWriter,
}
"""Writers by the name of their format."""


def output_folders(folder: str | Path) -> tuple[Path, ...]:
    """Return the folder of the output and the folders of formats in it, for ``find_items``.

    So a search for inputs that comes upon the folder leaves all of it out, and one that begins
    there what was written there before.
    """
    names = dict.fromkeys(writer.subfolder for writer in WRITERS.values() if writer.subfolder)
    return Path(folder), *(Path(folder, name) for name in names)


def write_results(
    found: Iterable[GroundingResult | Failure],
    folder: str | Path,
    formats: Sequence[str],
    options: WriteOptions | None = None,
) -> Iterator[GroundingResult | Failure]:
    """Write results as they come, and pass them on.

    Args:
        found: Of ``MedGLIPInferencer.stream``, with ``view=True`` where ``needs_view``.
        folder: Where files go; it is made.
        formats: Some of :data:`WRITERS`.
        options: What to know besides the results.

    Yields:
        What came, and a failure for what could not be written: with the stage ``'skip'`` if a
        format is not for images of that kind. Files are in their places when all has been taken.

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
        writers = [
            stack.enter_context(WRITERS[name](folder, options)) for name in dict.fromkeys(formats)
        ]
        for one in found:
            lost: list[Failure] = []
            if isinstance(one, Failure):
                _tell(writers, [one])
            else:
                lost = [failure for writer in writers for failure in writer.add(one) or ()]
            yield one
            yield from _tell(writers, lost)
        yield from _tell(writers, [failure for writer in writers for failure in writer.finish()])


def _tell(writers: Sequence[ResultWriter], failures: Sequence[Failure]) -> Sequence[Failure]:
    for failure in failures:
        for writer in writers:
            writer.fail(failure)
    return failures
