"""Volumes with label volumes: NIfTI, NRRD, MetaImage, npz."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ..volumes import StoredVolume
from ..volumes.itk_file import open_itk
from ..volumes.nifti_file import open_nifti
from ..volumes.npz_file import array_shapes, read_array
from .draft import UNKNOWN, Draft
from .label_files import names_of_values
from .pairing import Pair, common_start, is_mark, pair_files
from .patterns import patterns_of
from .scan import FAULTS, Scan, common_folder, stem_of
from .sidecars import split_folders

__all__ = ['guess_npz', 'guess_volumes']

_KINDS = (
    ('NiftiReader', ('.nii', '.nii.gz')),
    ('SitkVolumeReader', ('.nrrd', '.nhdr', '.mha', '.mhd', '.seg.nrrd')),
)
_MAX_VOXELS = 100_000_000
_AIR = -500
_SAMPLES = 3
_HEADERS = 200


def guess_volumes(scan: Scan) -> Draft | None:
    """Look for volumes with label volumes beside them."""
    for reader, suffixes in _KINDS:
        names = scan.of(*suffixes)
        draft = _one_file_per_structure(scan, reader, names) or _paired(scan, reader, names)
        if draft is not None:
            return draft
    return None


def guess_npz(scan: Scan) -> Draft | None:
    """Look for npz files with a volume and its labels."""
    files = [name for name in scan.of('.npz') if {'imgs', 'gts'} <= set(_arrays(scan, name))]
    if not files:
        return None
    folders = sorted({str(PurePosixPath(name).parent) for name in files})
    pattern = '{stem}.npz' if folders[0] == '.' else f'{folders[0]}/{{stem}}.npz'
    values = sorted({v for name in files[:_SAMPLES] for v in _npz_values(scan, name)} - {0})
    named = names_of_values(scan, frozenset(values))
    options: dict[str, Any] = {'images': pattern}
    draft = Draft(
        'NpzVolumeReader',
        options,
        {'reader': f'{len(files)} npz files with imgs and gts, as of MedSAM'},
        images=files,
        stems=[stem_of(name) for name in files],
    )
    if named:
        options['names'] = {named[v]: v for v in values if v in named}
        draft.names = list(options['names'])
    else:
        options['objects'] = UNKNOWN
        draft.why['objects'] = f'every value ({_short(values)}) is one object; or give names'
        draft.labelled = [(options, stem_of(files[0]))]
    draft.why['images'] = 'look whether slices are upright; else give axes: SLP'
    return draft


def _one_file_per_structure(scan: Scan, reader: str, names: Sequence[str]) -> Draft | None:
    """Look for a volume with a folder of masks beside it, as of TotalSegmentator."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
    cases: dict[tuple[str, str], list[str]] = {}
    labels: set[str] = set()
    for folder, files in folders.items():
        path = PurePosixPath(folder)
        volumes = folders.get(str(path.parent), [])
        if is_mark(path.name) and len(volumes) == 1 and folder != '.':
            cases.setdefault((PurePosixPath(volumes[0]).name, path.name), []).append(volumes[0])
            labels |= {stem_of(name) for name in files}
    if not cases:
        return None
    (volume, folder), found = max(cases.items(), key=lambda case: len(case[1]))
    if len(labels) < 2:
        return None
    above = str(PurePosixPath(found[0]).parent.parent)
    start = '{stem}' if above == '.' else f'{above}/{{stem}}'
    end = PurePosixPath(volume).name[len(stem_of(volume)) :]
    return Draft(
        reader,
        {'images': f'{start}/{volume}', 'annotations': f'{start}/{folder}/{{label}}{end}'},
        {'reader': f'{len(found)} volumes with a folder of masks each'},
        names=sorted(labels),
        images=found,
        stems=[PurePosixPath(name).parent.name for name in found],
        modality=_modality(scan, found),
    )


def _paired(scan: Scan, reader: str, names: Sequence[str]) -> Draft | None:
    common = common_folder(names)
    marks = [name for name in names if is_mark(name, common)]
    images = sorted(set(names) - set(marks))
    pairs = [pair for pair in pair_files(images, marks) if _same_size(scan, pair)]
    pairs = pairs or _by_size(scan, images, marks) or _by_folder(scan, images, marks)
    if not pairs:
        return None
    best = patterns_of(pairs)[0]
    options: dict[str, Any] = {'images': best.images, 'annotations': best.marks}
    draft = Draft(
        reader,
        options,
        {'reader': f'{len(best.pairs)} volumes with label volumes'},
        images=[pair.image for pair in best.pairs],
        stems=[pair.stem for pair in best.pairs],
        splits=split_folders(best.images, [pair.image for pair in best.pairs]),
        modality=_modality(scan, [pair.image for pair in best.pairs]),
    )
    first = _open(scan, best.pairs[0].image)
    if first is None:
        options['channel'] = 0
        draft.why['channel'] = 'the volumes have several; choose one'
    values = frozenset(v for pair in best.pairs[:_SAMPLES] for v in _values(scan, pair.mark))
    named = names_of_values(scan, values)
    plane = first is not None and min(first.grid.shape) == 1
    if 'dataset.json' in scan.files and named and not plane:
        options['names'] = 'dataset.json'
        draft.names = [name for value, name in named.items() if value > 0]
    elif named:
        options['names'] = {name: value for value, name in named.items() if value > 0}
        draft.names = list(options['names'])
        draft.why['names'] = 'from a json file that names numbers'
    else:
        options['names'] = {f'value {value}': value for value in sorted(values - {0})}
        draft.names = list(options['names'])
        draft.why['names'] = 'no file tells what the values mean: write names of labels'
    if plane:
        _as_planes(draft)
    return draft


def _as_planes(draft: Draft) -> None:
    """Read files of one plane each as images with masks."""
    values = {value: name for name, value in draft.options.pop('names').items()}
    path = draft.options.pop('annotations')
    draft.reader = 'MaskImageReader'
    draft.options['masks'] = [{'path': path, 'values': values}]
    draft.why['masks'] = draft.why.pop('names', '')


def _by_folder(scan: Scan, images: Sequence[str], marks: Sequence[str]) -> list[Pair]:
    """Pair files of folders that hold one volume and one label volume, named the same in each."""
    volumes = {str(PurePosixPath(name).parent): name for name in images}
    if len({PurePosixPath(name).name for name in images}) != 1 or len(volumes) != len(images):
        return []
    pairs = []
    for mark in marks:
        folder = str(PurePosixPath(mark).parent)
        if folder in volumes and folder != '.':
            pairs.append(Pair(volumes[folder], mark, PurePosixPath(folder).name))
    return [pair for pair in pairs if _same_size(scan, pair)]


def _by_size(scan: Scan, images: Sequence[str], marks: Sequence[str]) -> list[Pair]:
    """Pair volumes of a folder whose names begin alike and whose sizes are equal.

    Of several label volumes of a volume the one of the shortest name is taken.
    """
    of_image: dict[str, Pair] = {}
    for mark in sorted(marks[:_HEADERS], key=lambda name: (len(name), name)):
        here = PurePosixPath(mark).parent
        pairs = [
            Pair(image, mark, _start(image, mark))
            for image in images[:_HEADERS]
            if PurePosixPath(image).parent == here and _start(image, mark)
        ]
        for pair in sorted(pairs, key=lambda pair: (-len(pair.stem), pair.image)):
            if _same_size(scan, pair):
                of_image.setdefault(pair.image, pair)
                break
    return sorted(of_image.values(), key=lambda pair: pair.image)


def _start(image: str, mark: str) -> str:
    return common_start([stem_of(image), stem_of(mark)]).rstrip('-_')


def _same_size(scan: Scan, pair: Pair) -> bool:
    image, mark = _open(scan, pair.image, 0), _open(scan, pair.mark)
    return image is not None and mark is not None and image.grid.shape == mark.grid.shape


def _open(scan: Scan, name: str, channel: int | None = None) -> StoredVolume | None:
    """Read the header of a volume; of one of several channels only if ``channel`` is given."""
    path = scan.path(name)
    for number in dict.fromkeys((None, channel)):
        try:
            if name.endswith(('.nii', '.nii.gz')):
                return open_nifti(path, number)
            return open_itk(path, number, root=scan.root)
        except FAULTS:
            continue
    return None


def _values(scan: Scan, name: str) -> list[int]:
    stored = _open(scan, name)
    if stored is None or stored.grid.voxels > _MAX_VOXELS:
        return []
    try:
        return [int(value) for value in np.unique(stored.load())]
    except FAULTS:
        return []


def _modality(scan: Scan, names: Sequence[str]) -> str | None:
    """Tell CT by its Hounsfield units; other values tell nothing."""
    stored = _open(scan, names[0], 0)
    if stored is None or stored.grid.voxels > _MAX_VOXELS:
        return None
    try:
        lowest = float(stored.load().min()) * stored.slope + stored.intercept
    except FAULTS:
        return None
    return 'ct' if lowest <= _AIR else None


def _arrays(scan: Scan, name: str) -> Mapping[str, Any]:
    try:
        return array_shapes(scan.path(name))
    except FAULTS:
        return {}


def _npz_values(scan: Scan, name: str) -> list[int]:
    try:
        return [int(v) for v in np.unique(read_array(scan.path(name), 'gts', 4 * _MAX_VOXELS))]
    except FAULTS:
        return []


def _short(values: Sequence[int]) -> str:
    told = ', '.join(str(value) for value in values[:6])
    return f'{told}, ...' if len(values) > 6 else told
