"""Real images and volumes, damaged; none where there are no real files."""

import os
from pathlib import Path

from mmdet_medglip.ingest.images import MAX_PIXELS, read_image
from tests.hostile.mutators import BINARY, in_gzip
from tests.hostile.target import Target
from tests.hostile.targets.ingested import dataset_target
from tests.ingest.faults import raster, volume_bytes
from tests.ingest.faults.ledger import recipe_of

__all__ = ['TARGETS']

_ROOT = Path(os.environ.get('MEDGLIP_REAL_DATA') or Path(__file__).parents[4] / 'shared' / 'data')
_MOST_BYTES = 700_000
_FEW = 4


def _files(pattern: str) -> list[bytes]:
    """Return some small files, in the order of their names."""
    found = sorted(path for path in _ROOT.glob(pattern) if path.stat().st_size <= _MOST_BYTES)
    return [path.read_bytes() for path in found[:: max(1, len(found) // _FEW)][:_FEW]]


def _image(suffix: str, pattern: str) -> list[Target]:
    seeds = _files(pattern)

    def check(content: bytes, folder: Path) -> None:
        path = folder / f'a.{suffix}'
        path.write_bytes(content)
        pixels = read_image(path)
        if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
            raise AssertionError('an image over the limit was decoded')

    return [Target(f'real-{suffix}', seeds, BINARY, check, (f'a.{suffix}',))] if seeds else []


def _dicom() -> list[Target]:
    seeds = _files('dicom/**/*.dcm')
    recipe = recipe_of('real_dicom', 'DicomReader', 'ct', files='{stem}.dcm')
    from tests.ingest.faults import dicom

    def good(stem: str, number: int) -> dict[str, bytes]:
        return {f'{stem}.dcm': dicom.x_ray(number, stem)}

    recipe['modality'] = 'xray'
    target = dataset_target('real-dicom', recipe, good, '{stem}.dcm', BINARY, seeds=seeds)
    return [target] if seeds else []


def _nifti() -> list[Target]:
    seeds = _files('**/*.nii.gz')
    recipe = recipe_of(
        'real_nifti',
        'NiftiReader',
        'ct',
        images='i/{stem}.nii.gz',
        annotations='l/{stem}.nii.gz',
        names={'liver': 1},
        empty_share=1.0,
    )

    def good(stem: str, number: int) -> dict[str, bytes]:
        import gzip

        return {
            f'i/{stem}.nii.gz': gzip.compress(volume_bytes.nifti(volume_bytes.ct(number)), mtime=0),
            f'l/{stem}.nii.gz': gzip.compress(volume_bytes.nifti(volume_bytes.labels()), mtime=0),
        }

    damages = (in_gzip(BINARY), *BINARY)
    target = dataset_target('real-nifti', recipe, good, 'l/{stem}.nii.gz', damages, seeds=seeds)
    return [target] if seeds else []


def _mask() -> list[Target]:
    seeds = _files('ultrasound/**/*.gif') + _files('fundus/**/*.png')
    recipe = recipe_of(
        'real_mask',
        'MaskImageReader',
        'endoscopy',
        images='i/{stem}.png',
        masks=[{'path': 'm/{stem}.png', 'label': 'polyp', 'threshold': 127}],
    )

    def good(stem: str, number: int) -> dict[str, bytes]:
        mask = raster.encode(raster.blob(number), 'png')
        return {f'i/{stem}.png': raster.picture(number), f'm/{stem}.png': mask}

    target = dataset_target('real-mask', recipe, good, 'm/{stem}.png', BINARY, seeds=seeds)
    return [target] if seeds else []


TARGETS = (
    *_image('png', '**/*.png'),
    *_image('jpg', '**/*.jpg'),
    *_image('gif', '**/*.gif'),
    *_dicom(),
    *_nifti(),
    *_mask(),
)
