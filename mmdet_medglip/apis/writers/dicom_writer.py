"""Results as DICOM objects beside the images: reports, presentation states, segmentations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmdet_medglip.dicom_out import (
    Algorithm,
    Finding,
    Region,
    findings_of_image,
    write_presentations,
    write_reports,
    write_segmentations,
)
from mmdet_medglip.dicom_out.highdicom_import import import_highdicom
from mmdet_medglip.ingest.dicom.files import is_dicom, named, open_dicom
from mmdet_medglip.ingest.dicom.frames import frames_of
from mmdet_medglip.ingest.dicom.geometry import Frame, Stack, split_stacks
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.volumes import link_boxes

from .grouped_writer import GroupedWriter, NotForThisFormatError
from .result_group import ResultGroup

__all__ = [
    'PresentationWriter',
    'ReportWriter',
    'SegmentationWriter',
    'frames_of_group',
    'label_of',
    'stack_of',
    'unknown_words',
]


class DicomWriter(GroupedWriter):
    """Write objects that refer to the DICOM images, one for each series or single image.

    Boxes of a series, or of a multi-frame file whose frames lie behind each other, are linked to
    3-D findings with the box of every slice. Images that are no DICOM are passed over, with a
    reason.
    """

    subfolder: str

    def __enter__(self) -> DicomWriter:
        """Make sure that the library is there.

        Raises:
            ModuleNotFoundError: It is not.
        """
        try:
            import_highdicom()
        except ImportError as error:
            raise ModuleNotFoundError(str(error)) from error
        super().__enter__()
        return self

    def write(self, group: ResultGroup) -> None:
        """Write the objects of a series or image."""
        ontology = self.options.ontology or Ontology.default()
        words = unknown_words(group.names, ontology)
        if words and not self.options.allow_words:
            raise ValueError(
                f'{words[0]!r} is no name of the ontology, and words of a prompt are only written '
                'to DICOM where that is allowed (--allow-words): check that they name no patient.'
            )
        frames = frames_of_group(group)
        labels = {name: label_of(name, ontology, group.modality) for name in group.names}
        stack = stack_of(frames)
        if stack is not None and len(group.slices) > 1:
            findings = self._linked(group, frames, stack, labels)
        else:
            findings = _by_image(group, frames, labels)
        images = tuple(dict.fromkeys(one.path for one in group.slices))
        algorithm = Algorithm(self.options.model, weights=self.options.weights)
        folder = self.folder / self.subfolder
        self._write(findings, folder, algorithm, images, ontology)

    @abstractmethod
    def _write(
        self,
        findings: Sequence[Finding],
        folder: Path,
        algorithm: Algorithm,
        images: Sequence[Path],
        ontology: Ontology,
    ) -> None:
        """Write findings on images that were looked at."""

    def _linked(
        self,
        group: ResultGroup,
        frames: Sequence[Frame],
        stack: Stack,
        labels: dict[str, str],
    ) -> list[Finding]:
        places = [stack.number_of(frame.uid, frame.number) or 0 for frame in frames]
        at = {place: row for row, place in enumerate(places)}
        found = group.slice_boxes(places)
        linked = link_boxes(found, self.options.link)

        def region(member: int) -> Region:
            row = at[int(found.slices[member])]
            x1, y1, x2, y2 = found.boxes[member].tolist()
            return Region(group.slices[row].path, (x1, y1, x2, y2), frames[row].number)

        return [
            Finding(labels[group.names[label]], score, tuple(map(region, members)))
            for label, score, members in zip(
                linked.labels.tolist(), linked.scores.tolist(), linked.members, strict=True
            )
        ]


class ReportWriter(DicomWriter):
    """``sr/``: structured reports (TID 1500)."""

    subfolder = 'sr'

    def _write(self, findings, folder, algorithm, images, ontology) -> None:
        write_reports(
            *(findings, folder, algorithm),
            images=images,
            identity=self.options.identity,
            ontology=ontology,
            allow_words=True,
        )


class PresentationWriter(DicomWriter):
    """``gsps/``: presentation states; none for images without boxes."""

    subfolder = 'gsps'

    def _write(self, findings, folder, algorithm, images, ontology) -> None:
        write_presentations(
            *(findings, folder, algorithm),
            identity=self.options.identity,
            ontology=ontology,
            allow_words=True,
        )


class SegmentationWriter(DicomWriter):
    """``seg/``: segmentations of filled boxes; none for images without boxes."""

    subfolder = 'seg'

    def _write(self, findings, folder, algorithm, images, ontology) -> None:
        write_segmentations(
            *(findings, folder, algorithm),
            identity=self.options.identity,
            ontology=ontology,
            allow_words=True,
        )


def unknown_words(names: Sequence[str], ontology: Ontology) -> list[str]:
    """Return the names that stand for no label, class or region."""
    return [
        name for name in names if not ontology.candidates(name) and not _is_group(name, ontology)
    ]


def label_of(name: str, ontology: Ontology, modality: str | None) -> str:
    """Return the label id that a name stands for; the name itself if none."""
    known = modality if modality in ontology.modalities else None
    try:
        return ontology.parse_label(name, modality=known)
    except ValueError:
        return name


def frames_of_group(group: ResultGroup) -> list[Frame]:
    """Read where each slice lies, from the headers.

    Raises:
        NotForThisFormatError: An image is no DICOM file.
        ValueError: A header is damaged.
    """
    if group.source.path is None:
        raise NotForThisFormatError('it was given in memory, so that no object can refer to it')
    of_file: dict[Path, list[Frame]] = {}
    for one in group.slices:
        if one.path in of_file:
            continue
        if not is_dicom(one.path):
            raise NotForThisFormatError('it is no DICOM file, so that no object can refer to it')
        with named(one.path):
            of_file[one.path] = frames_of(open_dicom(one.path, pixels=False), len(of_file))
    return [
        of_file[one.path][(one.index or 0) if len(of_file[one.path]) > 1 else 0]
        for one in group.slices
    ]


def stack_of(frames: Sequence[Frame]) -> Stack | None:
    """Return the stack that images are; None if they lie nowhere, or not behind each other."""
    if any(frame.plane is None for frame in frames):
        return None
    try:
        stacks = split_stacks(frames)
    except ValueError:
        return None
    return stacks[0] if len(stacks) == 1 and len(stacks[0].frames) == len(frames) else None


def _by_image(group: ResultGroup, frames: Sequence[Frame], labels: dict[str, str]) -> list[Finding]:
    findings = []
    for one, frame in zip(group.slices, frames, strict=True):
        alone = replace(group, slices=[one])
        found = alone.slice_boxes([0])
        names = [labels[alone.names[label]] for label in found.labels.tolist()]
        findings += findings_of_image(
            one.path, found.boxes, found.scores.tolist(), names, frame=frame.number
        )
    return findings


def _is_group(name: str, ontology: Ontology) -> bool:
    try:
        ontology.find(name)
    except ValueError:
        return False
    return True
