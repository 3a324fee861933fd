"""Write phantoms in the file formats that such images come in.

* ``nnunet``: ``imagesTr/<patient>_0000.nii.gz``, ``labelsTr/<patient>.nii.gz``, ``dataset.json``.
  CT is stored with axes left, back, up (as DICOM converters do), MR with right, front, up.
* ``coco``: ``images/<image>.png`` of 8 or 16 bit and ``annotations.json`` with boxes.
* ``masks``: ``images/<image>`` and ``masks/<label>/<image>.png`` (0 and 255), one file for each
  structure that an image shows.
* ``indexed``: ``images/<image>`` and ``masks/<image>.png``, grey value k is the k-th label.

The first part of a name, ``<modality>_<number>``, is the patient.
The bytes depend on the phantoms only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image

from .structure import PhantomImage, PhantomSpec, bounding_box

__all__ = ['finish_dataset', 'patient_name', 'write_patient']

_JPEG_QUALITY = 93


def patient_name(spec: PhantomSpec, patient: int) -> str:
    """Return the name of a patient's files, such as ``ct_0007``."""
    return f'{spec.modality}_{patient:04d}'


def write_patient(
    spec: PhantomSpec, root: Path, patient: int, images: Sequence[PhantomImage]
) -> list[dict[str, Any]]:
    """Write the images of one patient.

    Args:
        spec: Modality; names the layout.
        root: Folder of the modality; made if need be.
        patient: Number of the patient, from 0.
        images: Images of this patient, for volumes from the feet up or down as the modality
            draws them.

    Returns:
        What the annotation file needs per image: ``file_name``, ``width``, ``height`` and
        ``boxes`` (pairs of label id and half-open xyxy box).

    Raises:
        ValueError: If the layout is unknown.
    """
    name = patient_name(spec, patient)
    if spec.files == 'nnunet':
        return [_write_volume(spec, root, name, images)]
    if spec.files not in ('coco', 'masks', 'indexed'):
        raise ValueError(
            f"layout of '{spec.modality}' must be 'nnunet', 'coco', 'masks' or 'indexed', got "
            f"'{spec.files}'."
        )
    rows = []
    for k, phantom in enumerate(images):
        stem = f'{name}_{k}'
        path = root / 'images' / f'{stem}{spec.suffix}'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(phantom.image).save(path, **_save_options(spec.suffix))
        if spec.files == 'masks':
            _write_masks(root / 'masks', stem, phantom)
        elif spec.files == 'indexed':
            _write_indexed(spec, root / 'masks', stem, phantom)
        height, width = phantom.image.shape[:2]
        boxes = [(label, bounding_box(mask)) for label, mask in phantom.masks]
        rows.append({'file_name': path.name, 'width': width, 'height': height, 'boxes': boxes})
    return rows


def finish_dataset(spec: PhantomSpec, root: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the file that describes the whole folder, if the layout has one.

    Args:
        spec: Modality; names the layout.
        root: Folder of the modality.
        rows: What :func:`write_patient` returned, patient after patient.
    """
    if spec.files == 'nnunet':
        channel = {'ct': 'CT'}.get(spec.modality, spec.modality.upper())
        content = {
            'channel_names': {'0': channel},
            'labels': {'background': 0} | _label_values(spec),
            'numTraining': len(rows),
            'file_ending': '.nii.gz',
        }
        if spec.contains:  # nnU-Net paints the regions in this order
            content['regions_class_order'] = list(range(1, len(spec.labels) + 1))
        _write_json(root / 'dataset.json', content)
    elif spec.files == 'coco':
        _write_json(root / 'annotations.json', _coco(spec, rows))


def _write_volume(
    spec: PhantomSpec, root: Path, name: str, images: Sequence[PhantomImage]
) -> dict[str, Any]:
    """Stack slices and write image and label volume."""
    values = np.stack([phantom.image for phantom in images], -1)
    labels = np.zeros(values.shape, np.uint8)
    for k, phantom in enumerate(images):
        for label, mask in phantom.masks:  # later ones lie on top of earlier ones
            labels[mask, k] = spec.labels.index(label) + 1
    sx, sy, sz = spec.spacing_mm
    if spec.modality == 'ct':  # rows to the back, columns to the left, first slice on top
        values, labels = (a[:, :, ::-1].swapaxes(0, 1) for a in (values, labels))
        affine = np.diag([-sx, -sy, sz, 1.0])
    else:
        values, labels = (a[::-1, ::-1].swapaxes(0, 1) for a in (values, labels))
        affine = np.diag([sx, sy, sz, 1.0])
    for folder, stem, volume in (
        ('imagesTr', f'{name}_0000', values),
        ('labelsTr', name, labels),
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
        nifti = nibabel.Nifti1Image(np.ascontiguousarray(volume), affine)
        nifti.set_data_dtype(volume.dtype)
        nifti.header.set_xyzt_units('mm')
        nibabel.save(nifti, root / folder / f'{stem}.nii.gz')
    return {'file_name': f'{name}_0000.nii.gz'}


def _label_values(spec: PhantomSpec) -> dict[str, int | list[int]]:
    """Return the voxel value of each label, a list for those that include other labels."""
    number = {name: k for k, name in enumerate(spec.labels, 1)}
    return {
        name: [k, *(number[part] for part in spec.contains[name])] if name in spec.contains else k
        for name, k in number.items()
    }


def _write_masks(folder: Path, stem: str, phantom: PhantomImage) -> None:
    merged: dict[str, np.ndarray] = {}
    for label, mask in phantom.masks:
        merged[label] = merged[label] | mask if label in merged else mask
    for label, mask in merged.items():
        path = folder / label / f'{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def _write_indexed(spec: PhantomSpec, folder: Path, stem: str, phantom: PhantomImage) -> None:
    indexed = np.zeros(phantom.image.shape[:2], np.uint8)
    for label, mask in phantom.masks:
        indexed[mask] = spec.labels.index(label) + 1
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(indexed).save(folder / f'{stem}.png')


def _coco(spec: PhantomSpec, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, row in enumerate(rows, 1):
        images.append({'id': image_id} | {k: row[k] for k in ('file_name', 'width', 'height')})
        for label, (x1, y1, x2, y2) in row['boxes']:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': spec.labels.index(label) + 1,
                    'bbox': [x1, y1, x2 - x1, y2 - y1],
                    'area': (x2 - x1) * (y2 - y1),
                    'iscrowd': 0,
                }
            )
    categories = [{'id': k, 'name': name} for k, name in enumerate(spec.labels, 1)]
    return {'images': images, 'annotations': annotations, 'categories': categories}


def _save_options(suffix: str) -> dict[str, Any]:
    return {'quality': _JPEG_QUALITY} if suffix == '.jpg' else {'compress_level': 3}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
