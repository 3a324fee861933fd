"""3-D boxes as a NIfTI label map on the voxels of the volume they were found in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

from mmdet_medglip.ingest.volumes import Grid, Turn, check_voxels
from mmdet_medglip.store.durable import replace_file

from .placement import enclosing_mm, size_mm
from .volume_boxes import VolumeBoxes

__all__ = ['paint_boxes', 'save_label_map']

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MOST = np.iinfo(np.uint16).max
_NOTE = b'boxes, not outlines'


def paint_boxes(
    found: VolumeBoxes, shape: tuple[int, int, int], values: Sequence[int]
) -> npt.NDArray[np.uint16]:
    """Fill the voxels whose centre is in a box.

    Args:
        found: Boxes in voxels of the shown volume; parts outside it are left out.
        shape: Rows, columns and slices of the shown volume.
        values: Number to paint each box with, 1 to 65535.

    Returns:
        [rows, columns, slices] of uint16, 0 outside; where boxes overlap the surest wins.

    Raises:
        ValueError: There is not one number in range for each box, or the volume is too large.
    """
    if len(values) != len(found) or not all(1 <= value <= _MOST for value in values):
        raise ValueError(
            f'values must be a number from 1 to {_MOST} for each of the {len(found)} boxes.'
        )
    check_voxels('the label map', int(np.prod(shape, dtype=object)))
    painted = np.zeros(shape, np.uint16)
    # Voxel k has its centre at k + 0.5.
    edges = np.ceil(np.clip(found.boxes, 0, None) - 0.5).astype(np.int64)
    for row in reversed(range(len(found))):
        x1, y1, z1, x2, y2, z2 = edges[row].tolist()
        painted[y1:y2, x1:x2, z1:z2] = values[row]
    return painted


def save_label_map(
    path: str | Path,
    found: VolumeBoxes,
    names: Sequence[str],
    grid: Grid,
    turn: Turn,
    *,
    like: str | Path | None = None,
) -> None:
    """Write 3-D boxes as a NIfTI label map, and what its numbers mean as JSON beside it.

    Label ``k`` is painted as ``k + 1``. The JSON, of the same name, has the boxes with their
    scores, voxels and millimetres, whatever overlaps. Parts outside the volume are left out of
    both. Of ``like`` the geometry is copied, bit by bit, and nothing else: its header may have
    words about the patient. The bytes depend on the arguments alone.

    Args:
        path: File to write, ``.nii.gz`` or ``.nii``; its folder must be there.
        found: Boxes in voxels of the shown volume.
        names: Name of each label.
        grid: Where the voxels of the stored volume are.
        turn: How it was turned to be shown.
        like: NIfTI file of the volume; None for one of another kind, whose geometry is written as
            the float32 numbers that NIfTI has.

    Raises:
        ValueError: The name has another ending, a label has no name, or ``like`` is no such file
            or of another shape.
        OSError: A file cannot be written.
    """
    path = Path(path)
    if not path.name.endswith(('.nii', '.nii.gz')):
        raise ValueError(f'The name of a label map must end in .nii or .nii.gz, got {path.name!r}.')
    if len(found) and found.labels.max() >= len(names):
        raise ValueError(f'Label {found.labels.max()} has no name; got {len(names)} names.')
    shown = grid.turned(turn)
    found = found.clipped(shown.shape)
    stored = np.zeros(grid.shape, np.uint16)
    turn.apply(stored)[...] = paint_boxes(found, shown.shape, (found.labels + 1).tolist())
    image = _image(stored, grid, None if like is None else Path(like))
    content = image.to_bytes()
    if path.suffix == '.gz':
        content = gzip.compress(content, mtime=0)
    meaning = {
        'labels': {str(number): name for number, name in enumerate(names, start=1)},
        'note': 'boxes, not outlines; millimetres are LPS',
        'boxes': _described(found, names, shown),
    }
    replace_file(path, content)
    sidecar = path.with_name(path.name.partition('.nii')[0] + '.json')
    replace_file(sidecar, (json.dumps(meaning, indent=1, ensure_ascii=False) + '\n').encode())


def _described(found: VolumeBoxes, names: Sequence[str], shown: Grid) -> list[dict]:
    around, sizes = enclosing_mm(found.boxes, shown), size_mm(found.boxes, shown)
    return [
        {
            'label': names[found.labels[row]],
            'score': float(found.scores[row]),
            'slices': len(found.members[row]),
            'voxels_xyz': found.boxes[row].tolist(),
            'size_mm_xyz': sizes[row].tolist(),
            'enclosing_mm_lps': around[row].tolist(),
        }
        for row in range(len(found))
    ]


def _image(
    stored: npt.NDArray[np.uint16], grid: Grid, like: Path | None
) -> nibabel.Nifti1Image | nibabel.Nifti2Image:
    if like is None:
        image = nibabel.Nifti1Image(stored, _LPS_TO_RAS @ grid.affine)
        image.set_qform(image.affine, code=1)
        image.set_sform(image.affine, code=1)
        image.header.set_xyzt_units('mm')
    else:
        source = _read_header(like)
        shape = tuple(int(size) for size in (*source.get_data_shape(), 1, 1, 1)[:3])
        if shape != grid.shape:
            raise ValueError(
                f'{like} has the shape {shape}, the volume {grid.shape}; name its file.'
            )
        kind = nibabel.Nifti2Image if isinstance(source, nibabel.Nifti2Header) else None
        image = (kind or nibabel.Nifti1Image)(stored, None)
        _copy_geometry(source, image.header)
    image.header['descrip'] = _NOTE
    return image


def _read_header(path: Path) -> nibabel.Nifti1Header:
    if not path.is_file():
        raise FileNotFoundError(f'Volume {path} does not exist, or is no file.')
    try:
        image = nibabel.load(path)
    except (nibabel.filebasedimages.ImageFileError, OSError, ValueError) as error:
        raise ValueError(f'{path} is not a NIfTI volume ({error}).') from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise ValueError(f'{path} is not a NIfTI volume but {type(image).__name__}.')
    return image.header


def _copy_geometry(source: nibabel.Nifti1Header, target: nibabel.Nifti1Header) -> None:
    for name in ('qform_code', 'sform_code', 'xyzt_units'):
        target[name] = source[name]
    for name in ('quatern_b', 'quatern_c', 'quatern_d', 'qoffset_x', 'qoffset_y', 'qoffset_z'):
        target[name] = source[name]
    for name in ('srow_x', 'srow_y', 'srow_z'):
        target[name] = source[name]
    target['pixdim'][:4] = source['pixdim'][:4]
