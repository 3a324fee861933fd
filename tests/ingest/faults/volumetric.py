"""Volumes: damaged NIfTI, NRRD, MetaImage and npz files, and volumes that cannot be right."""

import gzip
import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from .corruption import Damage, damage_bytes
from .ledger import Fault, Files, Suite, noise, recipe_of
from .raster import SIZE, blob, picture
from .volume_bytes import (
    SHAPE,
    ct,
    labels,
    metaimage,
    nifti,
    npy,
    npz,
    nrrd,
    zipped_metaimage,
    zipped_nrrd,
)

__all__ = ['SUITES', 'csr', 'medsam']

_REGIONS = 2
_CT = {'modality': 'ct', 'empty_share': 1.0}


def _itk_damages(data: bytes, name: str) -> list[Damage]:
    """Damage a file with a text header."""
    return damage_bytes(data, name, magic=max(0, data.find(b'NDims')), header=300)


_NIFTI = recipe_of(
    'nifti',
    'NiftiReader',
    'ct',
    images='images/{stem}.nii.gz',
    annotations='labels/{stem}.nii.gz',
    names={'liver': 1},
    empty_share=1.0,
)


def _nifti_good(stem: str, number: int) -> Files:
    return {
        f'images/{stem}.nii.gz': gzip.compress(nifti(ct(number)), mtime=0),
        f'labels/{stem}.nii.gz': gzip.compress(nifti(labels()), mtime=0),
    }


def _named(recipe: Mapping[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    return dict(recipe) | {'name': name, 'root': name} | changes


def _damaged(
    name: str, target: str, damages: list[Damage], good: Any, recipe: Any, regions: int = _REGIONS
) -> Suite:
    faults = [
        Fault(damage.name, {target: damage.data}, outcome='rejected' if damage.fatal else 'any')
        for damage in damages
    ]
    return Suite(name, _named(recipe, name), good, faults, regions=regions)


def _plain_good(stem: str, number: int) -> Files:
    return {f'images/{stem}.nii': nifti(ct(number)), f'labels/{stem}.nii': nifti(labels())}


_PLAIN = _NIFTI | {'images': 'images/{stem}.nii', 'annotations': 'labels/{stem}.nii'}


def _odd_nifti() -> Suite:
    far, turned, spread = np.eye(4), np.diag([-1.0, 1.0, 1.0, 1.0]), np.eye(4)
    far[:3, 3] = 50
    spread[0, 0] = 3
    holes = ct(5070).astype(np.float32)
    holes[3, 3, 2] = np.nan
    endless = ct(5071).astype(np.float32)
    endless[3, 3, 2] = np.inf
    colour = np.zeros(SHAPE, dtype=[('R', 'u1'), ('G', 'u1'), ('B', 'u1')])
    huge = [3, 32767, 32767, 32767, 1, 1, 1, 1]
    images = {
        'not a number': nifti(holes),
        'infinite': nifti(endless),
        'slope overflows': nifti(ct(5073).astype(np.float64) * 1e300, scl_slope=1e30),
        'announces 3e13 voxels': nifti(ct(5074), dim=huge),
        'announces 2^45 voxels of 1 bit': nifti(ct(5074), dim=huge, datatype=1, bitpix=1),
        'negative size': nifti(ct(5075), dim=[3, -12, 10, 4, 1, 1, 1, 1]),
        'no size': nifti(ct(5075), dim=[3, 0, 10, 4, 1, 1, 1, 1]),
        'no axes': nifti(ct(5075), dim=[0, 1, 1, 1, 1, 1, 1, 1]),
        '200 axes': nifti(ct(5075), dim=[200, 12, 10, 4, 1, 1, 1, 1]),
        'more slices than it has': nifti(ct(5076), dim=[3, 12, 10, 400, 1, 1, 1, 1]),
        'unknown type': nifti(ct(5077), datatype=9999),
        'complex': nifti(ct(5078).astype(np.complex64)),
        'colour': nifti(colour),
        'four axes': nifti(ct(5079, (*SHAPE, 2))),
        'five axes': nifti(ct(5079, (*SHAPE, 2, 2))),
        'voxels begin far away': nifti(ct(5080), vox_offset=2e9),
        'voxels begin before the file': nifti(ct(5080), vox_offset=-400),
        'voxels begin nowhere': nifti(ct(5080), vox_offset=np.nan),
        'no voxel size': nifti(ct(5081), pixdim=[1, 0, 0, 0, 0, 0, 0, 0], sform_code=0),
        'position is not a number': nifti(ct(5082), srow_x=[np.nan, 0, 0, 0]),
        'position is singular': nifti(ct(5082), srow_x=[0, 1, 0, 0], srow_y=[0, 1, 0, 0]),
        'empty gzip': b'',
    }
    marks = {
        'fewer slices': nifti(labels((12, 10, 3))),
        'turned axes': nifti(labels().transpose(1, 0, 2).copy()),
        'elsewhere': nifti(labels(), far),
        'mirrored': nifti(labels(), turned),
        'other voxel size': nifti(labels(), spread),
        'four axes': nifti(labels((*SHAPE, 2))),
        'negative values': nifti(-labels().astype(np.int16)),
        'values over 65535': nifti(labels().astype(np.int32) * 70000),
        'half values': nifti(labels().astype(np.float32) * 0.5),
        'not a number': nifti(np.where(labels() > 0, np.nan, 0).astype(np.float32)),
        'infinite': nifti(np.where(labels() > 0, np.inf, 0).astype(np.float32)),
        'complex': nifti(labels().astype(np.complex64)),
        'slope': nifti(labels().astype(np.int16), scl_slope=0.3, scl_inter=0.1),
        'announces 3e13 voxels': nifti(labels(), dim=huge),
    }
    faults = [
        Fault(name, {'images/{stem}.nii.gz': gzip.compress(data, mtime=0)})
        for name, data in images.items()
    ]
    faults += [
        Fault(f'labels: {name}', {'labels/{stem}.nii.gz': gzip.compress(data, mtime=0)})
        for name, data in marks.items()
    ]
    outside = {'labels/{stem}.nii.gz': gzip.compress(nifti(labels(value=99)), mtime=0)}
    faults.append(Fault('labels: value outside the map', outside, outcome='noted'))
    stray = {'labels/{stem}_stray.nii.gz': gzip.compress(nifti(labels()), mtime=0)}
    faults.append(Fault('labels: a second file', stray, outcome='noted'))
    name = 'odd_nifti'
    without = {'images/{stem}.nii.gz': gzip.compress(nifti(ct(5072), scl_slope=np.inf), mtime=0)}
    faults.append(Fault('slope is infinite, which stands for none', without, outcome='taken'))
    return Suite(name, _named(_NIFTI, name), _nifti_good, faults, regions=_REGIONS)


def _itk(suffix: str) -> dict[str, Any]:
    options = {'images': f'images/{{stem}}.{suffix}', 'annotations': f'labels/{{stem}}.{suffix}'}
    return dict(_NIFTI) | {'reader': 'SitkVolumeReader'} | options


def _itk_good(suffix: str) -> Any:
    write = {'mha': metaimage, 'nrrd': nrrd}[suffix]
    return lambda stem, number: {
        f'images/{stem}.{suffix}': write(ct(number)),
        f'labels/{stem}.{suffix}': write(labels()),
    }


def _odd_itk(suffix: str) -> Suite:
    write = {'mha': metaimage, 'nrrd': nrrd}[suffix]
    meta = suffix == 'mha'
    size, spacing = ('DimSize', 'ElementSpacing') if meta else ('sizes', 'space_directions')
    data_file, kind = ('ElementDataFile', 'ElementType') if meta else ('data_file', 'type')
    faults: dict[str, dict[str, Any]] = {
        'announces 1e15 voxels': {size: '100000 100000 100000'},
        'announces 2^63 voxels': {size: '2097152 2097152 2097152'},
        'size overflows': {size: f'{10**30} 1 1'},
        'size is negative': {size: '-12 10 4'},
        'size is no number': {size: 'a b c'},
        'size is missing': {size: None},
        'size of two axes': {size: '12 10'},
        'more slices than it has': {size: '12 10 400'},
        'spacing is zero': {spacing: '0 0 0' if meta else '(0,0,0) (0,0,0) (0,0,0)'},
        'spacing is not a number': {
            spacing: 'nan nan nan' if meta else '(nan,0,0) (0,nan,0) (0,0,nan)'
        },
        'type is unknown': {kind: 'MET_BANANA' if meta else 'banana'},
        'type is missing': {kind: None},
        'voxels in /etc/passwd': {data_file: '/etc/passwd'},
        'voxels above the data set': {data_file: '../../../secret.raw'},
        'voxels in a missing file': {data_file: 'gone.raw'},
        'voxels in a list': {data_file: 'LIST'},
        'voxels in numbered files': {data_file: 'slice%03d.raw 1 4 1'},
        'voxels in a Windows path': {data_file: 'C:\\scan.raw'},
        'voxels in a folder': {data_file: '.'},
    }
    if meta:
        faults['says it is compressed'] = {'CompressedData': True}
    else:
        faults['encoding is unknown'] = {'encoding': 'banana'}
        faults['dimension is 16'] = {'dimension': 16}
    target, name = f'images/{{stem}}.{suffix}', f'odd_{suffix}'
    found = [
        Fault(told, {target: write(ct(5900 + index), **keys)})
        for index, (told, keys) in enumerate(faults.items())
    ]
    return Suite(name, _named(_itk(suffix), name), _itk_good(suffix), found, regions=_REGIONS)


def medsam(number: int, **changes: Any) -> bytes:
    """Encode a file as MedSAM writes it; arrays None are left out."""
    arrays = {'imgs': noise((4, 12, 10), number), 'gts': labels().transpose(2, 0, 1)}
    arrays |= {'spacing': np.array([1.0, 1.0, 1.0])} | changes
    return npz({key: value for key, value in arrays.items() if value is not None})


_NPZ = recipe_of('npz', 'NpzVolumeReader', 'ct', names={'liver': 1}, empty_share=1.0)


def _npz_good(stem: str, number: int) -> Files:
    return {f'{stem}.npz': medsam(number)}


def _odd_npz() -> Suite:
    objects = np.array([{'a': 1}, None], dtype=object)
    pickled = io.BytesIO()
    np.lib.format.write_array(pickled, objects, allow_pickle=True)
    holes = noise((4, 12, 10), 7).astype(np.float32)
    holes[1, 2, 3] = np.nan
    changes: dict[str, dict[str, Any]] = {
        'pickled volume': {'imgs': pickled.getvalue()},
        'pickled labels': {'gts': pickled.getvalue()},
        'pickled spacing': {'spacing': pickled.getvalue()},
        'announces 1e15 voxels': {'imgs': npy(np.zeros(9, np.uint8), (10**5, 10**5, 10**5))},
        'announces 2^70 voxels': {'imgs': npy(np.zeros(9, np.uint8), (2**24, 2**23, 2**23))},
        'negative shape': {'imgs': npy(np.zeros(9, np.uint8), (-4, 12, 10))},
        'labels announce 1e15 voxels': {'gts': npy(np.zeros(9, np.uint8), (10**5, 10**5, 10**5))},
        'spacing announces 1e9 numbers': {'spacing': npy(np.zeros(9), (10**9,))},
        'shorter than its shape': {'imgs': npy(np.zeros(99, np.uint8), (4, 12, 10))},
        'two axes': {'imgs': noise((12, 10), 1)},
        'four axes': {'imgs': noise((4, 12, 10, 3), 1)},
        'no voxels': {'imgs': np.zeros((0, 12, 10), np.uint8)},
        'labels of another shape': {'gts': labels((10, 12, 4)).transpose(2, 0, 1)},
        'labels of two axes': {'gts': np.zeros((12, 10), np.uint8)},
        'labels without voxels': {'gts': np.zeros((0, 0, 0), np.uint8)},
        'labels are text': {'gts': np.array(['a', 'b'])},
        'volume is text': {'imgs': np.full((4, 12, 10), 'ab')},
        'volume is of records': {'imgs': np.zeros((4, 12, 10), [('a', 'u1'), ('b', 'u1')])},
        'volume is of dates': {'imgs': np.zeros((4, 12, 10), 'M8[s]')},
        'volume is complex': {'imgs': np.zeros((4, 12, 10), np.complex64)},
        'volume is missing': {'imgs': None},
        'labels are missing': {'gts': None},
        'spacing is missing': {'spacing': None},
        'spacing is zero': {'spacing': np.zeros(3)},
        'spacing is not a number': {'spacing': np.full(3, np.nan)},
        'spacing is one number': {'spacing': np.ones(1)},
        'spacing is negative': {'spacing': np.array([1.0, -1.0, 1.0])},
        'direction is singular': {'direction': np.zeros(9)},
        'direction is short': {'direction': np.ones(4)},
        'not a number': {'imgs': holes},
        'labels are negative': {'gts': -labels().transpose(2, 0, 1).astype(np.int16)},
        'no npy inside': {'imgs': b'hello'},
        'header is code': {'imgs': b'\x93NUMPY\x01\x00\x20\x00__import__("os").abort()        \n'},
        'header is 60 KB': {'imgs': b'\x93NUMPY\x01\x00\xff\xff' + b'(' * 65535},
    }
    faults = [
        Fault(name, {'{stem}.npz': medsam(5200 + index, **change)})
        for index, (name, change) in enumerate(changes.items())
    ]
    faults.append(Fault('a pickle', {'{stem}.npz': pickle.dumps({'imgs': 1})}))
    faults.append(Fault('an npy', {'{stem}.npz': npy(noise((4, 12, 10), 3))}))
    outside = {'{stem}.npz': medsam(5299, gts=labels(value=9).transpose(2, 0, 1))}
    faults.append(Fault('value outside the map', outside, outcome='noted'))
    return Suite('odd_npz', _named(_NPZ, 'odd_npz'), _npz_good, faults, regions=_REGIONS)


def csr(mask: np.ndarray) -> bytes:
    """Encode a mask as a sparse matrix of one row."""
    target = io.BytesIO()
    sparse.save_npz(target, sparse.csr_matrix(mask.reshape(1, -1)))
    return target.getvalue()


_SPARSE = recipe_of(
    'sparse', 'ScipyNpzReader', 'ct', images='{stem}.png', arrays='{stem}.npz', channels=['liver']
)


def _sparse_good(stem: str, number: int) -> Files:
    return {f'{stem}.png': picture(number), f'{stem}.npz': csr(blob(number))}


def _odd_sparse() -> Suite:
    cells = SIZE[0] * SIZE[1]
    good = {'data': np.ones(2, np.uint8), 'indices': np.array([5, 9]), 'indptr': np.array([0, 2])}
    good |= {'shape': np.array([1, cells]), 'format': np.array(b'csr')}
    changes: dict[str, dict[str, Any]] = {
        'column outside': {'indices': np.array([5, cells + 7])},
        'column negative': {'indices': np.array([5, -2])},
        'column huge': {'indices': np.array([5, 2**62])},
        'row ends outside': {'indptr': np.array([0, 99])},
        'rows run backwards': {'indptr': np.array([2, 0])},
        'another shape': {'shape': np.array([2, cells])},
        'shape is huge': {'shape': np.array([2**40, 2**40])},
        'shape is text': {'shape': np.array(['a', 'b'])},
        'data are objects': {'data': np.array([1, 'x'], dtype='U1')},
        'columns are not whole': {'indices': np.array([5.5, 9.5])},
        'columns of two axes': {'indices': np.zeros((2, 2), np.int32)},
        'a zip bomb': {'data': np.zeros(60_000_000, np.uint8)},
        'announces 1e15 values': {'data': npy(np.zeros(9, np.uint8), (10**15,))},
    }
    faults = [Fault(n, {'{stem}.npz': npz(good | change)}) for n, change in changes.items()]
    recipe = _named(_SPARSE, 'odd_sparse')
    return Suite('odd_sparse', recipe, _sparse_good, faults)


def _real_bombs() -> Suite:
    """Files that truly unpack to far more than they are."""
    many = np.zeros((1, 100_000_000), np.uint8)
    faults = [
        Fault('labels unpack to 100 MB', {'{stem}.npz': medsam(5001, gts=many)}),
        Fault(
            'a member that nobody asks for',
            {'{stem}.npz': medsam(5002, more=many)},
            outcome='taken',
        ),
        Fault('2000 members', {'{stem}.npz': medsam(5003, **{f'm{i}': b'' for i in range(2000)})}),
    ]
    return Suite('npz_bombs', _named(_NPZ, 'npz_bombs'), _npz_good, faults, regions=_REGIONS)


def _suites() -> tuple[Suite, ...]:
    zipped = damage_bytes(gzip.compress(nifti(ct(5007)), mtime=0), 'a')
    marks = damage_bytes(gzip.compress(nifti(labels()), mtime=0), 'b')
    plain = damage_bytes(nifti(ct(5007)), 'c', header=348)
    found = [
        _damaged('nii_gz', 'images/{stem}.nii.gz', zipped, _nifti_good, _NIFTI),
        _damaged('nii_gz_labels', 'labels/{stem}.nii.gz', marks, _nifti_good, _NIFTI),
        _damaged('nii', 'images/{stem}.nii', plain, _plain_good, _PLAIN),
        _odd_nifti(),
    ]  # fmt: skip
    for suffix, write in (('mha', metaimage), ('nrrd', nrrd)):
        for name, folder, values in (
            (suffix, 'images', ct(5007)),
            (f'{suffix}_labels', 'labels', labels()),
        ):
            damages = _itk_damages(write(values), name)
            target = f'{folder}/{{stem}}.{suffix}'
            found.append(_damaged(name, target, damages, _itk_good(suffix), _itk(suffix)))
        found.append(_odd_itk(suffix))
    for suffix, pack in (('mha', zipped_metaimage), ('nrrd', zipped_nrrd)):
        name, target = f'zipped_{suffix}', f'images/{{stem}}.{suffix}'
        damages = _itk_damages(pack(ct(5007)), name)
        found.append(_damaged(name, target, damages, _itk_good(suffix), _itk(suffix)))
    found += [
        _damaged('npz', '{stem}.npz', damage_bytes(medsam(5007), 'd'), _npz_good, _NPZ),
        _damaged(
            'sparse_npz', '{stem}.npz', damage_bytes(csr(blob(7)), 'e'), _sparse_good, _SPARSE, 1
        ),
        _odd_npz(),
        _odd_sparse(),
        _real_bombs(),
    ]
    return tuple(found)


SUITES = _suites()
