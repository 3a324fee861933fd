"""Volumes as the bytes of their files, with whatever header a test wants."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import nibabel
import numpy as np

from .ledger import noise

__all__ = [
    'SHAPE',
    'ct',
    'labels',
    'metaimage',
    'nifti',
    'npy',
    'npz',
    'nrrd',
    'zipped_metaimage',
    'zipped_nrrd',
]

SHAPE = (12, 10, 4)


def ct(number: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return Hounsfield units like those of no other number."""
    return noise(shape, number).astype(np.int16) - 100


def labels(shape: tuple[int, ...] = SHAPE, value: int = 1) -> np.ndarray:
    """Return a label volume with one structure on two slices."""
    marked = np.zeros(shape, dtype=np.uint8)
    marked[2:7, 3:8, 1:3] = value
    return marked


def nifti(values: np.ndarray, affine: np.ndarray | None = None, **header: Any) -> bytes:
    """Encode a NIfTI-1 file, with fields of its header overwritten afterwards."""
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    data = bytearray(image.to_bytes())
    found = np.frombuffer(data, nibabel.nifti1.header_dtype, 1)
    for key, value in header.items():
        found[key][0] = value
    return bytes(data)


def metaimage(values: np.ndarray, **keys: Any) -> bytes:
    """Encode a MetaImage file; keys None are left out."""
    told = {'ObjectType': 'Image', 'NDims': 3, 'BinaryData': True, 'BinaryDataByteOrderMSB': False}
    told |= {'CompressedData': False, 'TransformMatrix': '1 0 0 0 1 0 0 0 1', 'Offset': '0 0 0'}
    told |= {'ElementSpacing': '1 1 1', 'DimSize': ' '.join(map(str, values.shape))}
    told |= {'ElementType': {'u': 'MET_UCHAR', 'i': 'MET_SHORT'}[values.dtype.kind]} | keys
    told['ElementDataFile'] = told.pop('ElementDataFile', 'LOCAL')
    lines = [f'{key} = {value}\n' for key, value in told.items() if value is not None]
    return ''.join(lines).encode() + values.tobytes(order='F')


def zipped_metaimage(values: np.ndarray) -> bytes:
    """Encode a MetaImage file with compressed voxels."""
    data = metaimage(values, CompressedData=True)
    end = len(data) - values.nbytes
    return data[:end] + zlib.compress(data[end:])


def zipped_nrrd(values: np.ndarray) -> bytes:
    """Encode an NRRD file with compressed voxels."""
    data = nrrd(values, encoding='gzip')
    end = len(data) - values.nbytes
    return data[:end] + gzip.compress(data[end:], mtime=0)


def nrrd(values: np.ndarray, **keys: Any) -> bytes:
    """Encode an NRRD file; keys None are left out."""
    told = {'type': {'u': 'uint8', 'i': 'int16'}[values.dtype.kind], 'dimension': 3}
    told |= {'space': 'left-posterior-superior', 'sizes': ' '.join(map(str, values.shape))}
    told |= {'space directions': '(1,0,0) (0,1,0) (0,0,1)', 'endian': 'little', 'encoding': 'raw'}
    told |= {'space origin': '(0,0,0)'} | {key.replace('_', ' '): v for key, v in keys.items()}
    lines = [f'{key}: {value}\n' for key, value in told.items() if value is not None]
    return ('NRRD0004\n' + ''.join(lines) + '\n').encode() + values.tobytes(order='F')


def npz(arrays: Mapping[str, Any]) -> bytes:
    """Encode an npz file; bytes go into it as they are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_DEFLATED) as archive:
        for key, value in arrays.items():
            archive.writestr(f'{key}.npy', value if isinstance(value, bytes) else npy(value))
    return target.getvalue()


def npy(value: Any, shape: tuple[int, ...] | None = None) -> bytes:
    """Encode an npy file, with another shape in its header if given."""
    target = io.BytesIO()
    array = np.asarray(value)
    header = {'descr': array.dtype.str, 'fortran_order': False, 'shape': shape or array.shape}
    np.lib.format.write_array_header_1_0(target, header)
    return target.getvalue() + array.tobytes()
