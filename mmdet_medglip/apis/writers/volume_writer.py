"""Results as 3-D boxes: NIfTI label maps with JSON beside them."""

from __future__ import annotations

from pathlib import Path

from mmdet_medglip.ingest.dicom.files import is_dicom
from mmdet_medglip.ingest.file_names import safe_name
from mmdet_medglip.ingest.volumes import Grid, Turn
from mmdet_medglip.volumes import link_boxes, save_label_map

from ..reading import open_volume
from .dicom_writer import frames_of_group, stack_of
from .grouped_writer import GroupedWriter, NotForThisFormatError
from .result_group import ResultGroup

__all__ = ['VolumeWriter']

_AS_STORED = Turn((0, 1, 2), (False, False, False))
_NIFTI = ('.nii', '.nii.gz')


class VolumeWriter(GroupedWriter):
    """``volumes/``: a label map ``.nii.gz`` of each volume or series, and its boxes as ``.json``.

    The map of a volume file has the voxels of the file. That of a DICOM series has those of the
    slices that were asked. Single images are passed over, with a reason.
    """

    subfolder = 'volumes'

    def write(self, group: ResultGroup) -> None:
        """Link the boxes of a volume and write its map."""
        if group.source.path is None:
            raise NotForThisFormatError('it was given in memory, where no geometry is known')
        path = Path(group.source.path)
        if is_dicom(path):
            self._write_series(group)
        elif group.source.plane is not None:
            self._write_volume(group, path, group.source.plane)
        else:
            raise NotForThisFormatError('it is a single image, which has no 3-D boxes')

    def _write_series(self, group: ResultGroup) -> None:
        frames = frames_of_group(group)
        stack = stack_of(frames)
        if stack is None or len(frames) < 2:
            raise NotForThisFormatError('its images are no slices of one volume')
        if not stack.is_even:
            raise ValueError(
                'its slices are not equally far apart, which NIfTI has no place for; write sr'
            )
        numbers = [stack.number_of(frame.uid, frame.number) or 0 for frame in frames]
        # The names of DICOM files and folders may tell who the patient is.
        name = 'series~' + safe_name(f'{group.name}/').rpartition('~')[2]
        self._save(group, numbers, 1, name, stack.grid, _AS_STORED, None)

    def _write_volume(self, group: ResultGroup, path: Path, plane: str) -> None:
        grid = open_volume(path).grid
        numbers = [one.index or 0 for one in group.slices]
        tail = safe_name(f'{path}/').rpartition('~')[2]
        name = f'{safe_name(path.name.partition(".")[0])}_{plane}~{tail}'
        like = path if path.name.lower().endswith(_NIFTI) else None
        self._save(group, numbers, group.step, name, grid, grid.turn_to(plane), like)

    def _save(
        self,
        group: ResultGroup,
        numbers: list[int],
        step: int,
        name: str,
        grid: Grid,
        turn: Turn,
        like: Path | None,
    ) -> None:
        linked = link_boxes(group.slice_boxes(numbers), self.options.link, step=step)
        folder = self.folder / self.subfolder
        folder.mkdir(exist_ok=True)
        save_label_map(folder / f'{name}.nii.gz', linked, group.names, grid, turn, like=like)
