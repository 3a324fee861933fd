"""Procedural phantoms: images of all seven modalities with exact regions, drawn from a seed.

To add a modality: write a module with a ``SPEC`` (see :class:`PhantomSpec`) whose ``draw`` paints
the images of one patient, list it in ``SPECS``, and add ``recipes/<modality>.yaml``, which tells
the ingest how to read the files.
"""

from . import ct, dermoscopy, endoscopy, fundus, mri, ultrasound, xray
from .structure import PhantomImage, PhantomSpec, patient_rng

__all__ = ['SPECS', 'PhantomImage', 'PhantomSpec', 'draw_patient']

SPECS: dict[str, PhantomSpec] = {
    module.SPEC.modality: module.SPEC
    for module in (ct, mri, xray, ultrasound, endoscopy, dermoscopy, fundus)
}


def draw_patient(
    modality: str, patient: int, *, seed: int = 0, images: int | None = None
) -> list[PhantomImage]:
    """Draw the images of one phantom patient.

    Args:
        modality: Modality id.
        patient: Number of the patient, from 0; each is drawn independently of the others.
        seed: Seed of the whole data set.
        images: Number of images; the modality's default if None.

    Returns:
        The images, slices of one volume for CT and MR.

    Raises:
        ValueError: If the modality has no phantoms.

    Example:
        >>> head = draw_patient('mri', 0, images=1)[0]
        >>> head.image.shape, head.masks[0][0]
        ((224, 224), 'brain')
    """
    if modality not in SPECS:
        raise ValueError(f"no phantoms of modality '{modality}'; known are {', '.join(SPECS)}.")
    spec = SPECS[modality]
    count = spec.images_per_patient if images is None else images
    return spec.draw(patient_rng(seed, modality, patient), count)
