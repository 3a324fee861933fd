"""What a phantom is: an image and the masks of what it shows.

Every modality draws into the same two classes, so that writing the files, splitting by patient and
reading them back do not know which modality they handle.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ['PhantomImage', 'PhantomSpec', 'patient_rng']


@dataclass(frozen=True)
class PhantomImage:
    """One 2-D image as displayed (radiological convention: patient right on the image left).

    Attributes:
        image: Pixels, ``(H, W)`` or ``(H, W, 3)`` RGB. ``int16`` Hounsfield units for CT, ``int16``
            arbitrary units for MR, ``uint8`` or ``uint16`` grey or colour otherwise.
        masks: Pairs of label id and boolean mask ``(H, W)``; empty when the image shows nothing.
            Every mask has at least one pixel.
    """

    image: np.ndarray
    masks: tuple[tuple[str, np.ndarray], ...] = ()

    def __post_init__(self) -> None:
        """Refuse masks that cannot become a box.

        Raises:
            ValueError: If a mask is empty, not boolean, or of another size than the image.
        """
        for label, mask in self.masks:
            if mask.dtype != bool or mask.shape != self.image.shape[:2]:
                raise ValueError(
                    f"mask of '{label}' must be boolean of shape {self.image.shape[:2]}, got "
                    f'{mask.dtype} of shape {mask.shape}.'
                )
            if not mask.any():
                raise ValueError(f"mask of '{label}' is empty; leave the label out instead.")

    def boxes(self, label: str) -> np.ndarray:
        """Return one box around each mask of a label.

        Args:
            label: Label id; one that the image does not show gives no box.

        Returns:
            Boxes ``(N, 4)`` float32, xyxy in pixels, half open.
        """
        found = [bounding_box(mask) for name, mask in self.masks if name == label]
        return np.asarray(found, np.float32).reshape(-1, 4)


@dataclass(frozen=True)
class PhantomSpec:
    """How one modality of the demo data is made.

    Attributes:
        modality: Modality id, also the folder name.
        labels: Label ids that its masks may carry, in the order of their voxel values (1, 2, ...).
        draw: Draws ``n`` images of one patient from a random generator.
        patients: Number of patients by default.
        images_per_patient: Number of images (slices of a volume) per patient.
        files: Native layout: ``'nnunet'`` (one NIfTI volume per patient), ``'coco'`` (PNG and one
            json of boxes), ``'masks'`` (one mask file per structure) or ``'indexed'`` (one mask
            image whose grey values are the label numbers).
        suffix: File ending of the images, for the 2-D layouts.
        contains: Labels of volumes that include the voxels of other labels (nnU-Net's regions).
        spacing_mm: Voxel size ``(x, y, z)`` of volumes.
    """

    modality: str
    labels: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], list[PhantomImage]]
    patients: int
    images_per_patient: int
    files: str
    suffix: str = '.png'
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def bounding_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the half-open xyxy box around the true pixels of a non-empty mask ``(H, W)``."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def patient_rng(seed: int, modality: str, patient: int) -> np.random.Generator:
    """Return the generator of one patient, the same whichever others are drawn before it."""
    return np.random.default_rng([seed, zlib.crc32(modality.encode()), patient])
