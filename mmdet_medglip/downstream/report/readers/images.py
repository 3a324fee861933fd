"""Image files of reports: found below a folder, never outside."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mmdet_medglip.ingest.paths import inside

from ..reading import SkippedReport

__all__ = ['find_images']


def find_images(
    report_id: str, named: Iterable[tuple[str, str]], folder: Path | None
) -> tuple[tuple[str, ...], tuple[Path | None, ...], list[SkippedReport]]:
    """Find the images that a report names.

    Args:
        report_id: The report.
        named: Id of each image, and its path relative to ``folder``.
        folder: Folder of the images; None if there are none, then paths are None.

    Returns:
        Ids and paths of the images that are kept, possibly none; and those that were left out,
        because their file is not there or their name leads out of the folder.
    """
    ids: list[str] = []
    paths: list[Path | None] = []
    skipped = []
    for image_id, relative in named:
        path = None
        if folder is not None:
            try:
                path = inside(folder, relative)
            except ValueError as error:
                skipped.append(SkippedReport(report_id, 'image outside its folder', str(error)))
                continue
            if not path.is_file():
                skipped.append(SkippedReport(report_id, 'image file is missing', str(path)))
                continue
        ids.append(image_id)
        paths.append(path)
    return tuple(ids), tuple(paths), skipped
