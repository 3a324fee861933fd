"""The images that findings are on, as far as objects may refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset

from mmdet_medglip.ingest.dicom.files import integer, named, open_dicom
from mmdet_medglip.ingest.dicom.frames import frames_of
from mmdet_medglip.ingest.dicom.geometry import Plane

from .findings import Box, Finding, Region
from .identity import GEOMETRY, KEPT, Identity, passed

__all__ = ['SourceImage', 'clipped_box', 'read_series', 'read_sources']

_GROUPS = ('SharedFunctionalGroupsSequence', 'PerFrameFunctionalGroupsSequence')
_TABLES = ('ModalityLUTSequence', 'VOILUTSequence')


@dataclass(frozen=True, eq=False)
class SourceImage:
    """One DICOM file with images.

    Attributes:
        path: The file.
        header: What passes of its header, see :mod:`.identity`.
        source: Its header as it was read, for :func:`.identity.finish`.
        planes: Where each of its frames lies; None where the file does not say.
    """

    path: Path
    header: Dataset
    source: Dataset = field(repr=False)
    planes: tuple[Plane | None, ...]

    @property
    def frames(self) -> int:
        """Number of images in the file."""
        return len(self.planes)

    @property
    def is_multiframe(self) -> bool:
        """Whether references must say which frame; a file of one image may count it as well."""
        return self.frames > 1

    @property
    def is_shown_by_tables(self) -> bool:
        """Whether what its values mean, or its windows, are not plain numbers of the header."""
        return any(keyword in self.source for keyword in (*_GROUPS, *_TABLES))

    @classmethod
    def read(cls, path: Path, identity: Identity) -> SourceImage:
        """Read a header.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no DICOM image, or lacks what references need.
        """
        source = open_dicom(path, pixels=False, tags=(*GEOMETRY, *KEPT, *_GROUPS, *_TABLES))
        if not (integer(source, 'Rows') and integer(source, 'Columns')):
            raise ValueError(f'{path} holds no image: it has no rows and columns.')
        with named(path):
            frames = frames_of(source)
            header = passed(source, identity)
        return cls(path, header, source, tuple(frame.plane for frame in frames))


def read_sources(
    findings: Iterable[Finding], images: Iterable[str | Path], identity: Identity
) -> dict[str, list[SourceImage]]:
    """Read the headers of the images that findings are on, and of others that were looked at.

    Args:
        findings: The findings.
        images: Further files.
        identity: How much of the headers passes.

    Returns:
        The images of each study, in the order of their paths; studies by their UIDs.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A file is no DICOM image, there are none, or a frame does not exist.
    """
    regions = [region for finding in findings for region in finding.regions]
    paths = sorted({region.path for region in regions} | {Path(path) for path in images})
    if not paths:
        raise ValueError('There is nothing to report on: give findings, or the images looked at.')
    sources = {path: SourceImage.read(path, identity) for path in paths}
    for region in regions:
        if region.frame >= sources[region.path].frames:
            raise ValueError(
                f'{region.path} has {sources[region.path].frames} frames, there is no frame '
                f'{region.frame}.'
            )
    studies: dict[str, list[SourceImage]] = {}
    for source in sources.values():
        studies.setdefault(str(source.header.StudyInstanceUID), []).append(source)
    return dict(sorted(studies.items()))


def read_series(
    findings: Iterable[Finding], identity: Identity, check: Callable[[SourceImage], None]
) -> list[dict[Path, SourceImage]]:
    """Read the headers of the images that findings are on, series by series.

    Args:
        findings: The findings.
        identity: How much of the headers passes.
        check: Called with each image; raises what makes it unfit.

    Returns:
        The images of each series by their paths.

    Raises:
        FileNotFoundError: As of :func:`read_sources`.
        ValueError: As of :func:`read_sources`, and what ``check`` raises.
    """
    series: dict[str, dict[Path, SourceImage]] = {}
    for sources in read_sources(findings, (), identity).values():
        for source in sources:
            check(source)
            series.setdefault(str(source.header.SeriesInstanceUID), {})[source.path] = source
    return list(series.values())


def clipped_box(region: Region, source: SourceImage) -> Box:
    """Return the part of a box that is on its image.

    Raises:
        ValueError: There is none.
    """
    width, height = int(source.header.Columns), int(source.header.Rows)
    x1, y1, x2, y2 = region.box
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    if not (x1 < x2 and y1 < y2):
        raise ValueError(
            f'{region.path}: the box {region.box} is outside the image of {width} x {height} '
            'pixels; boxes must be in pixels of the image as it is stored.'
        )
    return x1, y1, x2, y2
