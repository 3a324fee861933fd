"""Readers of data sets: each case is a data set of two items, one of them hostile."""

import dataclasses
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from mmdet_medglip.ingest.images import read_image
from mmdet_medglip.ingest.masks import encode_rle
from mmdet_medglip.ingest.recipe import parse_recipe
from mmdet_medglip.ingest.stages import ItemOutcome, SourceSetup, SourceStages
from mmdet_medglip.store.layout import decode_record
from mmdet_medglip.structures import Record
from tests.hostile.mutators import BINARY, TEXT, in_gzip, in_zip, json_values
from tests.hostile.target import BrokenPromiseError, Mutator, Target
from tests.ingest.faults import dicom, raster, volume_bytes, volumetric, written
from tests.ingest.faults.ledger import Files, recipe_of, write_files

__all__ = ['TARGETS', 'dataset_target']

_STEMS = ('a', 'hostile')


def dataset_target(
    name: str,
    recipe: Mapping[str, Any],
    good: Callable[[str, int], Files],
    place: str,
    mutators: Sequence[Mutator],
    *,
    seeds: Sequence[bytes] = (),
    listing: Callable[[Mapping[str, Any]], Files] | None = None,
    **bounds: int,
) -> Target:
    """Make a target of one file of a data set.

    Args:
        name: Name of the target.
        recipe: Keys of the recipe.
        good: Files of a sound item, by its name and number.
        place: The file that is hostile; with ``{stem}``, it is of the second item, else of both.
        mutators: How it is damaged.
        seeds: Sound contents of the file; those of sound items by default.
        listing: Files of the whole data set, by the names of its items.
        **bounds: ``megabytes`` and ``seconds`` of a case.
    """
    whole = '{stem}' not in place
    sound: dict[str, bytes] = {}
    for number, stem in enumerate(_STEMS):
        sound |= good(stem, number)
    sound |= {} if listing is None else listing(dict.fromkeys(_STEMS))
    file = place.format(stem='hostile')

    def check(content: bytes, folder: Path) -> None:
        write_files(folder / 'raw' / recipe['name'], sound | {file: content})
        outcome = _ingest(recipe, folder)
        records = _check_outcome(outcome, folder)
        if not whole:
            _check_account(records, outcome)

    own = seeds or (sound[file],)
    return Target(name, own, mutators, check, (Path(file).name, recipe['name']), **bounds)


def _ingest(recipe: Mapping[str, Any], folder: Path) -> ItemOutcome:
    """Take all items of a data set through all stages."""
    setup = SourceSetup(_recipe(json.dumps(recipe)), folder / 'raw', folder / 'store')
    stages = SourceStages(setup)
    items = stages.reader.items()
    outcome = stages.adopt(stages.reader.take_rejects())
    for item in items:
        found = stages.process(item)
        if not found.entries and not found.rejects:
            raise BrokenPromiseError(f'{item.name} left no trace')
        outcome.entries += found.entries
        outcome.rejects += found.rejects
    return outcome


@lru_cache
def _recipe(text: str) -> Any:
    return parse_recipe(json.loads(text))


def _check_outcome(outcome: ItemOutcome, folder: Path) -> list[Record]:
    """Check records against their own rules and their images, and rejects for what they tell."""
    records = []
    for entry in outcome.entries:
        record = decode_record(entry.record)
        # Made anew, as decoding does not check again.
        fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(Record)}
        try:
            records.append(Record(**fields))
            pixels = read_image(folder / 'store' / record.image_path)
        except (ValueError, OSError) as error:
            raise BrokenPromiseError(f'a record that must not be: {error}') from error
        if pixels.shape[:2] != (record.height, record.width):
            raise BrokenPromiseError(f'{record.image_id} has pixels of {pixels.shape}')
    for reject in outcome.rejects:
        if reject.reason.startswith('the reader') or not reject.file:
            raise BrokenPromiseError(f'{reject.file!r}: {reject.reason}: {reject.detail}')
        if reject.reason == 'not readable or not valid' and not reject.detail:
            raise BrokenPromiseError(f'{reject.file!r}: rejected without a word')
        reject.detail.encode('utf-8')
    return records


def _check_account(records: Sequence[Record], outcome: ItemOutcome) -> None:
    """Check that sound items are there, and that the hostile one is there or accounted for."""
    for stem in _STEMS[:-1]:
        if not any(stem in _names(record) for record in records):
            raise BrokenPromiseError(f'the sound item {stem} is lost: {outcome.rejects}')
    if len(records) < len(_STEMS) and not outcome.rejects:
        raise BrokenPromiseError('the hostile item left no trace')


def _names(record: Record) -> list[str]:
    text = f'{record.image_id}/{record.patient_id}/{record.study_id}'
    return [word for part in text.split('/') for word in (part, part.split('_')[0])]


def _masked(suffix: str, mask: str) -> dict[str, Any]:
    return recipe_of(
        f'images_{suffix}',
        'MaskImageReader',
        'endoscopy',
        images=f'i/{{stem}}.{suffix}',
        masks=[{'path': f'm/{{stem}}.{mask}', 'label': 'polyp', 'threshold': 127}],
    )


def _image(suffix: str, *more: bytes) -> Target:
    return dataset_target(
        f'image-{suffix}',
        _masked(suffix, 'png'),
        lambda stem, number: {
            f'i/{stem}.{suffix}': raster.picture(number, suffix),
            f'm/{stem}.png': raster.encode(raster.blob(number), 'png'),
        },
        f'i/{{stem}}.{suffix}',
        BINARY,
        seeds=(raster.picture(2, suffix), *more),
    )


def _png_with_texts() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text('Comment', 'x' * 300, zip=True)
    info.add_itxt('Title', 'y' * 300, 'en', 'Titel', zip=True)
    target = io.BytesIO()
    image = Image.fromarray(raster.noise((24, 32, 3), 70))
    image.save(target, 'PNG', pnginfo=info, icc_profile=b'p' * 200, dpi=(72, 72))
    return target.getvalue()


def _tiff(**options: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(raster.noise((24, 32), 71)).save(target, 'TIFF', **options)
    return target.getvalue()


def _mask(suffix: str, encode: Callable[[int], bytes], mutators: Sequence[Mutator]) -> Target:
    return dataset_target(
        f'mask-{suffix}',
        _masked('png', suffix),
        lambda stem, number: {
            f'i/{stem}.png': raster.picture(number),
            f'm/{stem}.{suffix}': encode(number),
        },
        f'm/{{stem}}.{suffix}',
        mutators,
    )


def _beside(name: str, reader: str, suffix: str, text: str, **options: Any) -> Target:
    recipe = recipe_of(
        name, reader, 'endoscopy', images='{stem}.png', annotations=f'{{stem}}.{suffix}', **options
    )
    return dataset_target(
        name,
        recipe,
        lambda stem, number: {
            f'{stem}.png': raster.picture(number),
            f'{stem}.{suffix}': text.encode(),
        },
        f'{{stem}}.{suffix}',
        (*TEXT, json_values) if suffix == 'json' else TEXT,
    )


def _listed(
    name: str, reader: str, file: str, listing: Any, mutators: Any, **options: Any
) -> Target:
    options = options or {'annotations': [{'file': file}]}
    return dataset_target(
        name,
        recipe_of(name, reader, 'endoscopy', **options),
        lambda stem, number: {f'{stem}.png': raster.picture(number)},
        file,
        mutators,
        listing=lambda entries: {file: listing(entries)},
    )


def _odvg_lines(entries: Mapping[str, Any]) -> bytes:
    grounding = {
        'caption': 'a polyp',
        'regions': [{'phrase': 'polyp', 'bbox': [[4, 5, 14, 15]], 'tokens_positive': [[2, 7]]}],
    }
    lines = [written.odvg_line(stem) for stem in entries]
    lines[-1] = {**lines[-1], 'detection': {}, 'grounding': grounding}
    return '\n'.join(json.dumps(line) for line in lines).encode()


def _coco_runs(entries: Mapping[str, Any]) -> bytes:
    document = written.coco_document(entries)
    cells = 24 * 32
    runs = encode_rle(raster.blob(3) > 0)
    document['annotations'][0]['segmentation'] = {'size': [24, 32], 'counts': [100, 7, cells - 107]}
    document['annotations'][1]['segmentation'] = {'size': [24, 32], 'counts': runs['counts']}
    document['annotations'][1]['iscrowd'] = 1
    return written.dump(document)


def _via(entries: Mapping[str, Any]) -> bytes:
    shape = {'name': 'rect', 'x': 4, 'y': 5, 'width': 10, 'height': 10}
    drawn = {'name': 'polygon', 'all_points_x': [4, 14, 14], 'all_points_y': [5, 5, 15]}
    regions = [
        {'shape_attributes': s, 'region_attributes': {'kind': 'polyp'}} for s in (shape, drawn)
    ]
    return json.dumps({s: {'filename': f'{s}.png', 'regions': regions} for s in entries}).encode()


_COLUMNS = ('image', 'x1', 'y1', 'x2', 'y2', 'label')


def _csv(entries: Mapping[str, Any]) -> bytes:
    rows = [','.join(_COLUMNS), *(f'{stem},4,5,14,15,polyp' for stem in entries)]
    return '\n'.join(rows).encode()


def _yolo_names() -> Target:
    recipe = recipe_of(
        'yolo_names', 'YoloReader', 'endoscopy', images='{stem}.png', annotations='{stem}.txt'
    )
    return dataset_target(
        'yolo-names',
        recipe,
        lambda stem, number: {
            f'{stem}.png': raster.picture(number),
            f'{stem}.txt': b'0 .5 .5 .2 .4',
        },
        'data.yaml',
        TEXT,
        listing=lambda entries: {'data.yaml': b'path: .\nnames:\n  0: polyp\n'},
    )


def _volumes(
    name: str, reader: str, suffix: str, encode: Callable[[np.ndarray], bytes], mutators: Any
) -> tuple[Target, Target]:
    recipe = recipe_of(
        name,
        reader,
        'ct',
        images=f'i/{{stem}}.{suffix}',
        annotations=f'l/{{stem}}.{suffix}',
        names={'liver': 1},
        empty_share=1.0,
    )

    def good(stem: str, number: int) -> Files:
        return {
            f'i/{stem}.{suffix}': encode(volume_bytes.ct(number)),
            f'l/{stem}.{suffix}': encode(volume_bytes.labels()),
        }

    return (
        dataset_target(f'{name}-volume', recipe, good, f'i/{{stem}}.{suffix}', mutators),
        dataset_target(f'{name}-labels', recipe, good, f'l/{{stem}}.{suffix}', mutators),
    )


def _gz(values: np.ndarray) -> bytes:
    return gzip.compress(volume_bytes.nifti(values), mtime=0)


def _x_ray(number: int, stem: str, syntax: str) -> bytes:
    if syntax not in (RLELossless, JPEGLSLossless):
        return dicom.x_ray(number, stem, syntax)
    dataset = dcmread(io.BytesIO(dicom.x_ray(number, stem)))
    dataset.compress(syntax, generate_instance_uid=False)
    target = io.BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _dicom(name: str, syntax: str) -> Target:
    recipe = recipe_of('x_ray', 'DicomReader', 'xray', files='{stem}.dcm')
    return dataset_target(
        name,
        recipe,
        lambda stem, number: {f'{stem}.dcm': _x_ray(number, stem, syntax)},
        '{stem}.dcm',
        BINARY,
    )


def _dicom_marks(name: str, kind: str, make: Any) -> Target:
    recipe = recipe_of(name, 'DicomReader', 'ct', annotations=kind, empty_share=1.0)

    def good(stem: str, number: int) -> Files:
        return dict(dicom.series(stem, number)) | {f'{stem}/marks.dcm': dicom.encode(make(number))}

    return dataset_target(f'dicom-{kind}', recipe, good, '{stem}/marks.dcm', BINARY)


_NPZ = in_zip(BINARY)

TARGETS = (
    _image('png', _png_with_texts()),
    _image('jpg'),
    _image('gif'),
    _image('tif', _tiff(), _tiff(compression='packbits'), _tiff(compression='tiff_adobe_deflate')),
    _image('bmp'),
    _mask('png', lambda number: raster.encode(raster.blob(number), 'png'), BINARY),
    _mask('nii.gz', lambda number: raster.plane(raster.blob(number)), (in_gzip(BINARY), *BINARY)),
    _beside('voc', 'VocReader', 'xml', written._VOC),
    _beside('labelme', 'LabelMeReader', 'json', json.dumps(written._LABELME)),
    _beside(
        'yolo', 'YoloReader', 'txt', '0 0.5 0.5 0.25 0.4\n0 .1 .1 .2 .1 .2 .2\n', names=['polyp']
    ),
    _yolo_names(),
    _listed(
        'coco',
        'CocoReader',
        'notes.json',
        lambda e: written.dump(written.coco_document(e)),
        (*TEXT, json_values, json_values),
    ),
    _listed('coco_runs', 'CocoReader', 'notes.json', _coco_runs, (*TEXT, json_values, json_values)),
    _listed('odvg', 'OdvgReader', 'notes.jsonl', _odvg_lines, (*TEXT, json_values, json_values)),
    _listed('via', 'ViaReader', 'notes.json', _via, (*TEXT, json_values, json_values)),
    _listed(
        'csv',
        'CsvReader',
        'notes.csv',
        _csv,
        TEXT,
        annotations='notes.csv',
        images='{image}.png',
        columns={name: name for name in _COLUMNS},
    ),
    *_volumes('nifti', 'NiftiReader', 'nii', volume_bytes.nifti, BINARY),
    *_volumes('nifti_gz', 'NiftiReader', 'nii.gz', _gz, (in_gzip(BINARY), *BINARY)),
    *_volumes('mha', 'SitkVolumeReader', 'mha', volume_bytes.metaimage, (*BINARY, *TEXT)),
    *_volumes('nrrd', 'SitkVolumeReader', 'nrrd', volume_bytes.nrrd, (*BINARY, *TEXT)),
    dataset_target(
        'npz-volume', volumetric._NPZ, volumetric._npz_good, '{stem}.npz', (_NPZ, _NPZ, *BINARY)
    ),
    dataset_target(
        'npz-sparse',
        volumetric._SPARSE,
        volumetric._sparse_good,
        '{stem}.npz',
        (_NPZ, _NPZ, *BINARY),
    ),
    _dicom('dicom-explicit', ExplicitVRLittleEndian),
    _dicom('dicom-implicit', ImplicitVRLittleEndian),
    _dicom('dicom-rle', RLELossless),
    _dicom('dicom-jpeg-ls', JPEGLSLossless),
    _dicom('dicom-deflated', DeflatedExplicitVRLittleEndian),
    _dicom_marks('seg', 'seg', dicom.seg),
    _dicom_marks('rtstruct', 'rtstruct', dicom.structures),
)
