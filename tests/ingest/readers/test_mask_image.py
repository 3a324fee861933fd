"""Images with mask images."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.masks import box_of_mask, decode_rle
from mmdet_medglip.ingest.readers import MaskImageReader, RecipeError
from mmdet_medglip.ingest.source import SourceRegion
from mmdet_medglip.ontology import Ontology

_BINARY = {'path': 'masks/{stem}.png', 'label': 'polyp'}


def _mask(value: int = 255) -> np.ndarray:
    mask = np.zeros((6, 8), dtype=np.uint8)
    mask[1:3, 2:5] = value
    return mask


def _labels(*names: str) -> dict[str, Any]:
    """Let any names through: labels are not this reader's matter."""
    dropped = dict.fromkeys(names)
    return {'label_map': LabelMap(dropped, Ontology.default(), modality='endoscopy')}


def _box(region: SourceRegion) -> Any:
    mask = region.mask
    return box_of_mask(mask if isinstance(mask, np.ndarray) else decode_rle(mask))


@pytest.fixture
def root(tmp_path: Path, save: Callable) -> Path:
    """One colour image; its masks are up to the test."""
    save(tmp_path / 'images' / 'a(1).png', np.zeros((6, 8, 3), dtype=np.uint8))
    return tmp_path


@pytest.fixture
def read(root: Path, common: dict) -> Callable:
    """Read everything with the given mask rules; returns the images and the rejects."""

    def _read(*masks: dict, **options: Any) -> tuple[list, list]:
        options = {'images': 'images/{stem}.png'} | common | options
        reader = MaskImageReader(root, masks=masks, **options)
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


@pytest.mark.parametrize('suffix', ['png', 'gif', 'bmp', 'tif'])
def test_binary_mask_of_any_kind(root: Path, read: Callable, save: Callable, suffix: str) -> None:
    save(root / 'masks' / f'a(1).{suffix}', _mask())
    spec = {'path': 'masks/{stem}.' + suffix, 'label': 'polyp', 'threshold': 127}
    [image], rejects = read(spec)
    assert (image.name, image.image, image.size) == ('a(1)', root / 'images' / 'a(1).png', (6, 8))
    [region] = image.regions
    assert (region.name, region.is_object, region.bbox) == ('polyp', False, None)
    np.testing.assert_array_equal(region.mask, _mask() > 0)
    assert rejects == []


def test_one_bit_mask(root: Path, read: Callable) -> None:
    (root / 'masks').mkdir()
    Image.fromarray(_mask()).convert('1').save(root / 'masks' / 'a(1).png')
    [image], _ = read(_BINARY)
    assert _box(image.regions[0]) == (2, 1, 5, 3)


@pytest.mark.parametrize(
    ('threshold', 'found'), [(0, 1), (99, 1), (100, 0)], ids=['any', 'below', 'equal-is-outside']
)
def test_threshold_must_be_exceeded(
    root: Path, read: Callable, save: Callable, threshold: int, found: int
) -> None:
    save(root / 'masks' / 'a(1).png', _mask(100))
    [image], _ = read(_BINARY | {'threshold': threshold})
    assert len(image.regions) == found


def test_indexed_mask(root: Path, read: Callable, save: Callable) -> None:
    mask = _mask(128)
    mask[2, 3] = 0
    mask[mask == 0] = 255
    mask[2, 3] = 0
    save(root / 'masks' / 'a(1).png', mask)
    values = {0: ['cup', 'disc'], 128: 'disc'}
    spec = {'path': 'masks/{stem}.png', 'values': values, 'background': 255}
    [image], rejects = read(spec, **_labels('cup', 'disc'))
    assert {region.name: _box(region) for region in image.regions} == {
        'cup': (3, 2, 4, 3),
        'disc': (2, 1, 5, 3),
    }
    assert image.regions[1].mask.sum() == 6
    assert rejects == []


def test_palette_mask_is_read_by_index(root: Path, read: Callable) -> None:
    (root / 'masks').mkdir()
    image = Image.fromarray(_mask(2), mode='P')
    image.putpalette([0, 0, 0, 9, 9, 9, 0, 0, 0])
    image.save(root / 'masks' / 'a(1).png')
    [image], _ = read({'path': 'masks/{stem}.png', 'values': {2: 'polyp'}})
    assert _box(image.regions[0]) == (2, 1, 5, 3)


def test_values_without_a_name_are_rejects(root: Path, read: Callable, save: Callable) -> None:
    mask = _mask(1)
    mask[5, 5:8] = [2, 3, 4]
    save(root / 'masks' / 'a(1).png', mask)
    [image], [reject] = read({'path': 'masks/{stem}.png', 'values': {1: 'polyp', 3: None}})
    assert [region.name for region in image.regions] == ['polyp']
    assert (reject.file, reject.reason, reject.detail, reject.count) == (
        'masks/a(1).png',
        'mask value has no name',
        'value 2, value 4',
        2,
    )


@pytest.mark.parametrize(
    ('tolerance', 'pixels', 'unnamed'),
    [
        pytest.param(0, 3, 'colour #0a0000, colour #f80000', id='exact'),
        pytest.param(10, 4, '', id='near'),
    ],
)
def test_colour_mask(
    root: Path, read: Callable, save: Callable, tolerance: int, pixels: int, unnamed: str
) -> None:
    mask = np.zeros((6, 8, 3), dtype=np.uint8)
    mask[0, 0:3] = [255, 0, 0]
    mask[1, 0] = [248, 0, 0]
    mask[1, 7] = [10, 0, 0]
    mask[5, 5] = [0, 255, 1]
    save(root / 'masks' / 'a(1).png', mask)
    colors = {'#ff0000': 'polyp', '0, 255, 1': 'ulcer'}
    spec = {'path': 'masks/{stem}.png', 'colors': colors, 'tolerance': tolerance}
    [image], rejects = read(spec)
    assert [(r.name, int(r.mask.sum())) for r in image.regions] == [('polyp', pixels), ('ulcer', 1)]
    assert [reject.detail for reject in rejects] == [unnamed] * bool(unnamed)


@pytest.mark.parametrize('kind', [np.uint8, np.uint16], ids=['8-bit', '16-bit'])
def test_instance_mask(root: Path, read: Callable, save: Callable, kind: type) -> None:
    mask = np.zeros((6, 8), dtype=kind)
    mask[0, 0:2], mask[0, 2:4], mask[5, 0] = 7, 9, 7
    save(root / 'masks' / 'a(1).png', mask)
    [image], _ = read({'path': 'masks/{stem}.png', 'instances': 'polyp'})
    assert [(r.name, r.is_object, _box(r)) for r in image.regions] == [
        ('polyp', True, (0, 0, 2, 6)),
        ('polyp', True, (2, 0, 4, 1)),
    ]


def test_grey_image_is_no_instance_mask(root: Path, read: Callable, save: Callable) -> None:
    save(root / 'images' / 'a(1).png', np.zeros((70, 70), dtype=np.uint8))
    save(root / 'masks' / 'a(1).png', np.arange(4900, dtype=np.uint16).reshape(70, 70))
    with pytest.raises(ValueError, match=r'a\(1\)\.png: mask has 4899 values, over 4096'):
        read({'path': 'masks/{stem}.png', 'instances': 'polyp'})


def test_one_file_per_structure_and_annotators(root: Path, read: Callable, save: Callable) -> None:
    save(root / 'masks' / 'ann 1' / 'a(1)_hip_left_000.png', _mask())
    save(root / 'masks' / 'ann 2' / 'a(1)_hip_left_001.png', np.rot90(_mask(), 2))
    save(root / 'masks' / 'ann 2' / 'a(1)_rib_left_9_000.png', _mask())
    [image], _ = read({'path': 'masks/{annotator}/{stem}_{label}_[0-9]*.png', 'objects': True})
    assert [(r.name, r.annotator, r.is_object, _box(r)) for r in image.regions] == [
        ('hip_left', 'ann 1', True, (2, 1, 5, 3)),
        ('hip_left', 'ann 2', True, (3, 3, 6, 5)),
        ('rib_left_9', 'ann 2', True, (2, 1, 5, 3)),
    ]


def test_outline_is_filled(root: Path, read: Callable, save: Callable) -> None:
    outline = np.zeros((6, 8), dtype=np.uint8)
    outline[1:5, 1:6] = 255
    outline[2:4, 2:5] = 0
    save(root / 'masks' / 'a(1).png', outline)
    [image], _ = read(_BINARY | {'fill': 'holes'})
    assert image.regions[0].mask.sum() == 20


@pytest.mark.parametrize(
    ('flip', 'box', 'shape'),
    [
        pytest.param('vertical', (2, 3, 5, 5), (6, 8), id='vertical'),
        pytest.param('horizontal', (3, 1, 6, 3), (6, 8), id='horizontal'),
        pytest.param('transpose', (1, 2, 3, 5), (8, 6), id='transpose'),
    ],
)
def test_flip_turns_image_and_mask(
    root: Path, read: Callable, save: Callable, flip: str, box: tuple, shape: tuple
) -> None:
    save(root / 'images' / 'a(1).png', _mask())
    save(root / 'masks' / 'a(1).png', _mask())
    [image], _ = read(_BINARY, flip=flip)
    assert image.image.shape == image.size == shape
    assert _box(image.regions[0]) == box
    np.testing.assert_array_equal(image.image > 0, image.regions[0].mask)


@pytest.mark.parametrize(
    ('exists', 'options', 'images', 'reasons'),
    [
        pytest.param(False, {}, 0, ['mask file is missing'], id='missing-skipped'),
        pytest.param(False, {'missing': 'negative'}, 1, [], id='missing-negative'),
        pytest.param(True, {}, 1, [], id='empty-negative'),
        pytest.param(True, {'empty': 'skip'}, 0, ['mask is empty'], id='empty-skipped'),
    ],
)
def test_no_region(
    root: Path, read: Callable, save: Callable,
    exists: bool, options: dict, images: int, reasons: list,
) -> None:  # fmt: skip
    if exists:
        save(root / 'masks' / 'a(1).png', _mask(0))
    found, rejects = read(_BINARY, **options)
    assert [image.regions for image in found] == [()] * images
    assert [reject.reason for reject in rejects] == reasons


def test_mask_of_no_image_is_a_reject(root: Path, read: Callable, save: Callable) -> None:
    save(root / 'masks' / 'a(1).png', _mask())
    save(root / 'masks' / 'b.png', _mask())
    found, [reject] = read(_BINARY)
    assert len(found) == 1
    assert (reject.file, reject.reason) == ('masks/b.png', 'annotation file without image')


def test_masks_beside_their_images_are_no_images(
    root: Path, read: Callable, save: Callable
) -> None:
    save(root / 'images' / 'a(1)_mask.png', _mask())
    save(root / 'images' / 'a(1)_mask_1.png', _mask(0))
    spec = {'path': 'images/{stem}_mask*.png', 'label': 'polyp'}
    found, rejects = read(spec, missing='negative')
    assert [(image.name, len(image.regions)) for image in found] == [('a(1)', 1)]
    assert rejects == []


def test_name_used_twice_is_a_reject(root: Path, read: Callable, save: Callable) -> None:
    save(root / 'other' / 'a(1).png', _mask())
    found, [reject] = read(images='*/{stem}.png', missing='negative')
    assert len(found) == 1
    assert (reject.file, reject.reason) == ('other/a(1).png', 'name is used twice')
    found, rejects = read(images='{patient}/{stem}.png', name_from='{patient}-{stem}')
    assert [(image.name, image.patient) for image in found] == [
        ('images-a(1)', 'images'),
        ('other-a(1)', 'other'),
    ]
    assert rejects == []


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param(b'no image', 'cannot be read as an image', id='text'),
        pytest.param(b'', 'cannot be read as an image', id='empty-file'),
        pytest.param('half', 'damaged', id='truncated'),
        pytest.param('small', 'has 4 rows and 8 columns, its image has 6 and 8', id='other-size'),
    ],
)
def test_mask_that_cannot_be_read(
    root: Path, read: Callable, save: Callable, content: bytes | str, message: str
) -> None:
    path = save(root / 'masks' / 'a(1).png', _mask()[:4] if content == 'small' else _mask())
    if content == 'half':
        path.write_bytes(path.read_bytes()[:60])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read(_BINARY)


def test_sa_med2d_names(tmp_path: Path, read: Callable, save: Callable) -> None:
    """Names after the data set card of SA-Med2D-20M (arXiv:2311.11969)."""
    names = (
        'mr_00--ACDC--patient001_frame01--x_0006',
        'x_ray--covid_19_ct_cxr--16660_5_1--2d_none',
        'pet_00--autoPET--1--x_0001',
    )
    for name in names:
        save(tmp_path / 'images' / f'{name}.png', np.zeros((6, 8), dtype=np.uint8))
    save(tmp_path / 'masks' / f'{names[0]}--0002_000.png', _mask(1))
    save(tmp_path / 'masks' / f'{names[1]}--0000_001.png', _mask(1))
    codes = {'ACDC': {'myocardium': '0002'}, 'covid_19_ct_cxr': {'lung': '0000'}}
    (tmp_path / 'codes.json').write_text(json.dumps(codes))
    (tmp_path / 'images' / 'a(1).png').unlink()
    case = '{modality}_{sub}--{dataset}--{case}--{slice}'
    found, rejects = read(
        {'path': f'masks/{case}--{{label}}_{{instance}}.png', 'codes': 'codes.json'},
        images=f'images/{case}.png',
        name_from=case,
        modalities={'mr': 'mri', 'x': 'xray', 'pet': None},
    )
    assert [(image.name, image.modality) for image in found] == [
        (names[0], 'mri'),
        (names[1], 'xray'),
    ]
    assert [image.regions[0].name for image in found] == ['myocardium', 'lung']
    assert [(r.reason, r.detail, r.count) for r in rejects] == [
        ('modality is left out by the recipe', 'pet', 1)
    ]


def test_code_without_a_name(root: Path, read: Callable, save: Callable) -> None:
    save(root / 'masks' / 'a(1)--0009.png', _mask())
    (root / 'codes.json').write_text('{"liver": "0003"}')
    with pytest.raises(ValueError, match="label code '0009' has no name"):
        read({'path': 'masks/{stem}--{label}.png', 'codes': 'codes.json'})


def test_biomedparse_names(tmp_path: Path, read: Callable, save: Callable) -> None:
    """Names after the data set guide of BiomedParseData: ``+`` stands for a space."""
    (tmp_path / 'images' / 'a(1).png').unlink()
    save(tmp_path / 'train' / 'amos_0004_12_MRI-T2_abdomen.png', np.zeros((6, 8), dtype=np.uint8))
    mask = 'amos_0004_12_MRI-T2_abdomen_right+kidney.png'
    save(tmp_path / 'train_mask' / mask, _mask())
    image = '{stem}_{modality}_{body_region}'
    [found], rejects = read(
        {'path': f'{{split}}_mask/{image}_{{label}}.png', 'separator': '+'},
        images=f'{{split}}/{image}.png',
        modalities={'MRI-T2': 'mri'},
    )
    assert (found.name, found.modality, found.body_region, found.folder) == (
        'train/amos_0004_12',
        'mri',
        'abdomen',
        'train',
    )
    assert found.regions[0].name == 'right kidney'
    assert rejects == []


def test_nifti_planes(root: Path, read: Callable) -> None:
    """Frames and masks of CAMUS: the first axis of the file runs along the columns."""
    frame = np.arange(48, dtype=np.uint8).reshape(8, 6)
    mask = np.zeros((8, 6), dtype=np.uint8)
    mask[2:5, 1:3] = 1
    for name, values in (('p1_2CH_ED', frame), ('p1_2CH_ED_gt', mask)):
        volume = nibabel.Nifti1Image(values, np.diag([0.3, 0.2, 1, 1]))
        nibabel.save(volume, root / 'images' / f'{name}.nii.gz')
    [image], rejects = read(
        {'path': 'images/{stem}_gt.nii.gz', 'values': {1: 'polyp'}}, images='images/{stem}.nii.gz'
    )
    np.testing.assert_array_equal(image.image, frame.T)
    assert image.size == (6, 8)
    assert image.spacing_mm == pytest.approx((0.2, 0.3))
    assert _box(image.regions[0]) == (2, 1, 5, 3)
    assert rejects == []


@pytest.mark.parametrize(
    'spec',
    [
        pytest.param({'path': 'a.png'}, id='nothing-named'),
        pytest.param({'label': 'polyp'}, id='no-path'),
        pytest.param(_BINARY | {'values': {1: 'polyp'}}, id='two-ways'),
        pytest.param(_BINARY | {'treshold': 1}, id='typo'),
        pytest.param(_BINARY | {'background': 1}, id='key-of-another-kind'),
        pytest.param({'path': 'a.png', 'values': {'x': 'polyp'}}, id='value'),
        pytest.param({'path': 'a.png', 'values': []}, id='no-values'),
        pytest.param({'path': 'a.png', 'colors': {'red': 'polyp'}}, id='colour'),
        pytest.param(_BINARY | {'fill': 'outer'}, id='fill'),
    ],
)
def test_bad_mask_rule(root: Path, common: dict, spec: dict) -> None:
    with pytest.raises(RecipeError, match="'demo'"):
        MaskImageReader(root, images='{stem}.png', masks=[spec], **common)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'missing': 'keep'}, "'missing' must be one of", id='missing'),
        pytest.param({'empty': 'keep'}, "'empty' must be one of", id='empty'),
        pytest.param({'flip': 'upside'}, "'flip' 'upside' is not among", id='flip'),
        pytest.param({'images': '*.png'}, r"lacks '\{stem\}'", id='no-stem'),
        pytest.param({'name_from': '{patient}'}, "'name_from' .* must be made of", id='name'),
        pytest.param({'rescale': 3}, "'rescale' may have", id='rescale'),
    ],
)
def test_bad_options(root: Path, common: dict, options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        MaskImageReader(root, **({'images': '{stem}.png'} | common | options))


def test_unknown_names_stop_with_a_hint(root: Path, read: Callable) -> None:
    with pytest.raises(RecipeError, match=r"'demo'.*'blob'.*labels"):
        read({'path': 'masks/{stem}.png', 'values': {1: 'blob'}})


def test_pattern_that_finds_nothing(read: Callable) -> None:
    with pytest.raises(FileNotFoundError, match=r"'demo': no image fits '\{stem\}\.tif'"):
        read(images='{stem}.tif')


def test_missing_root(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match='nowhere does not exist; check the data root'):
        MaskImageReader(tmp_path / 'nowhere', images='{stem}.png', **common)


def test_items_are_plain_sorted_and_the_same(root: Path, common: dict, save: Callable) -> None:
    save(root / 'images' / 'A.png', _mask())
    for name in ('A', 'a(1)'):
        save(root / 'masks' / f'{name}.png', _mask())
    options = {'images': 'images/{stem}.png', 'masks': [_BINARY]} | common
    items = MaskImageReader(root, **options).items()
    assert [item.name for item in items] == ['images/A.png', 'images/a(1).png']
    assert items[0].files == ('images/A.png', 'masks/A.png')
    assert json.loads(json.dumps(items[0].payload)) == items[0].payload
    assert MaskImageReader(root, **options).items() == items


@pytest.mark.parametrize(
    ('folder', 'images', 'masks', 'count', 'box'),
    [
        pytest.param(
            'endoscopy/kvasir_seg',
            'train/images/{stem}.jpg',
            {'path': 'train/masks/{stem}.jpg', 'label': 'polyp', 'threshold': 127},
            200,
            (38, 5, 430, 338),
            id='kvasir',
        ),
    ],
)
def test_real_masks(
    real_data_root: Path, common: dict, folder: str, images: str, masks: dict, count: int,
    box: tuple,
) -> None:  # fmt: skip
    reader = MaskImageReader(real_data_root / folder, images=images, masks=[masks], **common)
    items = {item.payload['name']: item for item in reader.items()}
    assert len(items) == count
    [image] = reader.read(items['cju0qkwl35piu0993l0dewei2'])
    assert _box(image.regions[0]) == pytest.approx(box, abs=2)
