"""NIfTI volumes with label volumes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.registry import READERS

from ..volumes import StoredVolume
from ..volumes.nifti_file import open_nifti
from .volume_files import VolumeFileReader

__all__ = ['NiftiReader']


@READERS.register_module()
class NiftiReader(VolumeFileReader):
    """Read NIfTI volumes with label volumes, in nnU-Net's raw layout unless told otherwise.

    Other layouts by their patterns:

    * Medical Segmentation Decathlon: ``images: 'imagesTr/{stem}.nii.gz'``, and ``channel`` for
      its volumes of several channels;
    * TotalSegmentator: ``images: '{stem}/ct.nii.gz'``,
      ``annotations: '{stem}/segmentations/{label}.nii.gz'``.

    Args:
        root: Folder of the data set.
        images: Pattern of the volumes.
        annotations: Pattern of the label volume of a volume, or a list of kinds of files.
        names: Label values by name, or the json file that has them; ``dataset.json`` if
            ``annotations`` is a pattern without ``{label}``.
        **common: See :class:`VolumeFileReader`.

    Raises:
        FileNotFoundError: If the json file does not exist.
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = 'imagesTr/{stem}_0000.nii.gz',
        annotations: str | Sequence[Mapping[str, Any]] | None = 'labelsTr/{stem}.nii.gz',
        names: str | Mapping[Any, Any] | None = None,
        **common: Any,
    ) -> None:
        if names is None and isinstance(annotations, str) and '{label}' not in annotations:
            names = 'dataset.json'
        super().__init__(root, images=images, annotations=annotations, names=names, **common)

    def open_volume(self, path: Path, channel: int | None) -> StoredVolume:
        """Read the header of a NIfTI file; see :class:`VolumeFileReader`."""
        return open_nifti(path, channel)
