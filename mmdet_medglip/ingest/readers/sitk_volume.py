"""NRRD and MetaImage volumes with label volumes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.registry import READERS

from ..volumes import StoredVolume
from ..volumes.itk_file import data_files, open_itk, segment_values
from .volume_files import VolumeFileReader

__all__ = ['SitkVolumeReader']


@READERS.register_module()
class SitkVolumeReader(VolumeFileReader):
    """Read NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd) volumes with label volumes.

    Segmentations of 3D Slicer (.seg.nrrd) name their segments: ``names: segments``. Their layers
    may overlap.

    Args:
        root: Folder of the data set.
        images: Pattern of the volumes, such as ``{stem}.mhd``.
        **common: See :class:`VolumeFileReader`.

    Raises:
        FileNotFoundError: If the json file of ``names`` does not exist.
        RecipeError: If an option is wrong.
    """

    def __init__(self, root: str | Path, *, images: str, **common: Any) -> None:
        super().__init__(root, images=images, **common)

    def open_volume(self, path: Path, channel: int | None) -> StoredVolume:
        """Read the header of a file; see :class:`VolumeFileReader`."""
        return open_itk(path, channel, root=self.root)

    def segments(self, path: Path) -> Mapping[int, Mapping[str, Sequence[int]]]:
        """Return the segments that a seg.nrrd names; see :class:`VolumeFileReader`."""
        return segment_values(path)

    def files_of(self, path: Path) -> Sequence[Path]:
        """Return the file, and the file of voxels that its header points to."""
        return data_files(path, self.root)
