"""Images to try: phantoms of all modalities, drawn when the demo starts; no patient is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.testing.phantoms import SPECS, draw_patient
from mmdet_medglip.testing.phantoms.native import write_patient

from .study import Study

__all__ = ['Sample', 'write_samples']

_PATIENT = 900
"""Number of a phantom that no demo data set reaches."""
_TITLES = {
    'ct': 'CT, abdomen (volume)',
    'mri': 'MRI, head (volume)',
    'xray': 'X-ray, chest',
    'ultrasound': 'Ultrasound',
    'endoscopy': 'Endoscopy, colon',
    'dermoscopy': 'Dermoscopy',
    'fundus': 'Fundus of the eye',
}


@dataclass(frozen=True, eq=False)
class Sample:
    """An image to try.

    Args:
        name: Its modality id.
        title: Shown in the list.
        prompt: What to ask; what the image does not show is asked for as absent.
        start: Slice to begin with.
        study: Its files.
    """

    name: str
    title: str
    prompt: str
    start: int
    study: Study


def write_samples(folder: Path, modalities: tuple[str, ...] | None = None) -> dict[str, Sample]:
    """Draw a phantom of each modality and write it in the format that such images have.

    Args:
        folder: Where to; made if need be.
        modalities: Which; None for all that there are.

    Returns:
        The samples by their names, in the order of the phantoms.
    """
    names = [name for name in SPECS if modalities is None or name in modalities]
    return {name: _write_sample(folder / name, name) for name in names}


def _write_sample(folder: Path, modality: str) -> Sample:
    spec = SPECS[modality]
    images = draw_patient(modality, _PATIENT)
    shown = [{label for label, _ in image.masks} for image in images]
    best = max(range(len(images)), key=lambda k: len(shown[k]))
    is_volume = spec.files == 'nnunet'
    write_patient(spec, folder, _PATIENT, images if is_volume else images[best : best + 1])
    images_folder = folder / ('imagesTr' if is_volume else 'images')
    (file,) = images_folder.iterdir()
    ontology = Ontology.default()
    phrases = [
        ('' if label in shown[best] else 'no ') + ontology.display_name(label)
        for label in spec.labels
    ]
    ending = file.name[file.name.index('.') :]
    # Slices are numbered from the feet up, where CT phantoms are drawn from the top.
    start = (len(images) - 1 - best if modality == 'ct' else best) if is_volume else 0
    return Sample(
        modality,
        _TITLES.get(modality, modality),
        f'Detect: {", ".join(phrases)}',
        start,
        Study(images_folder, {file.name: f'{modality} phantom{ending}'}, modality),
    )
