"""Pixels of every kind become MONOCHROME2 or RGB."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from mmdet_medglip.ingest.dicom.pixels import check_size, decode_frame
from tests.ingest import dicom_files as files

_GREY = np.array([[0, 100], [200, 4000]], np.uint16)


def _dataset(pixels: np.ndarray, kind: str | None = None, **changes: object) -> Dataset:
    dataset = files.new_dataset('2.25.1', files.X_RAY, 'DX')
    if kind is not None:
        dataset.PhotometricInterpretation = kind
    files.set_pixels(dataset, pixels, changes.pop('bits', None))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def _written(folder: Path, dataset: Dataset) -> Dataset:
    return dcmread(files.save(folder / 'a.dcm', dataset))


def test_rescaled_grey(tmp_path: Path) -> None:
    dataset = _dataset(_GREY, RescaleSlope=2, RescaleIntercept=-10, WindowCenter=50, WindowWidth=9)
    frame = decode_frame(_written(tmp_path, dataset), 0, tmp_path)
    assert frame.values.tolist() == _GREY.tolist()
    assert (frame.slope, frame.intercept, frame.window) == (2.0, -10.0, (50.0, 9.0))
    assert frame.is_scaled
    assert not frame.is_colour


@pytest.mark.parametrize(
    ('pixels', 'bits', 'expected', 'centre'),
    [
        pytest.param(_GREY, 12, [[4095, 3995], [3895, 95]], 4045.0, id='unsigned'),
        pytest.param(np.array([[-5, 3]], np.int16), 16, [[4, -4]], -51.0, id='signed'),
        pytest.param(np.array([[0, 255]], np.uint8), 8, [[255, 0]], 205.0, id='bytes'),
    ],
)
def test_monochrome1_is_inverted(
    tmp_path: Path, pixels: np.ndarray, bits: int, expected: list, centre: float
) -> None:
    dataset = _dataset(pixels, 'MONOCHROME1', bits=bits, WindowCenter=50, WindowWidth=9)
    frame = decode_frame(_written(tmp_path, dataset), 0, tmp_path)
    assert frame.values.tolist() == expected
    assert frame.values.dtype == pixels.dtype
    assert frame.window == (centre, 9.0)
    assert not frame.is_scaled


@pytest.mark.parametrize(
    ('pixels', 'bits', 'expected'),
    [
        pytest.param(np.array([[0xF00A, 7]], np.uint16), 12, [[10, 7]], id='unsigned'),
        pytest.param(np.array([[0x0FFF, 7]], np.int16), 12, [[-1, 7]], id='signed'),
    ],
)
def test_unused_bits_are_cleared(
    tmp_path: Path, pixels: np.ndarray, bits: int, expected: list
) -> None:
    dataset = _dataset(pixels, bits=bits)
    assert decode_frame(_written(tmp_path, dataset), 0, tmp_path).values.tolist() == expected


def test_modality_table(tmp_path: Path) -> None:
    table = files.item(LUTDescriptor=[3, 0, 16], LUTData=[10, 20, 40], ModalityLUTType='US')
    dataset = _dataset(np.array([[0, 1, 2, 2]], np.uint8), ModalityLUTSequence=[table])
    dataset.ModalityLUTSequence[0]['LUTDescriptor'].VR = 'US'
    dataset.ModalityLUTSequence[0]['LUTData'].VR = 'US'
    frame = decode_frame(_written(tmp_path, dataset), 0, tmp_path)
    assert (frame.values.tolist(), frame.slope) == ([[10, 20, 40, 40]], 1.0)


def test_colour(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    frame = decode_frame(_written(tmp_path, _dataset(pixels)), 0, tmp_path)
    assert frame.is_colour
    assert frame.values.tolist() == pixels.tolist()


def test_colour_of_more_bits(tmp_path: Path) -> None:
    pixels = np.array([[[0, 2048, 4095]]], np.uint16)
    frame = decode_frame(_written(tmp_path, _dataset(pixels, bits=12)), 0, tmp_path)
    assert (frame.values.dtype, frame.values.tolist()) == (np.uint8, [[[0, 128, 255]]])


def test_ybr_becomes_rgb(tmp_path: Path) -> None:
    pixels = np.array([[[128, 128, 128], [76, 85, 255]]], np.uint8)
    frame = decode_frame(_written(tmp_path, _dataset(pixels, 'YBR_FULL')), 0, tmp_path)
    assert frame.values.tolist() == [[[128, 128, 128], [254, 0, 0]]]


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    dataset = _dataset(np.array([[0, 1]], np.uint8), 'PALETTE COLOR')
    for colour, levels in {'Red': [0, 65280], 'Green': [0, 256], 'Blue': [65280, 0]}.items():
        setattr(dataset, f'{colour}PaletteColorLookupTableDescriptor', [2, 0, 16])
        data = np.array(levels, '<u2').tobytes()
        setattr(dataset, f'{colour}PaletteColorLookupTableData', data)
    for element in dataset:
        if element.keyword.endswith('TableDescriptor'):
            element.VR = 'US'
    frame = decode_frame(_written(tmp_path, dataset), 0, tmp_path)
    assert frame.values.tolist() == [[[0, 0, 255], [255, 1, 0]]]


def _compressed(folder: Path, data: bytes, syntax: str, pixels: np.ndarray, kind: str) -> Dataset:
    dataset = _dataset(pixels, kind)
    dataset.PixelData = encapsulate([data])
    dataset['PixelData'].VR = 'OB'
    dataset['PixelData'].is_undefined_length = True
    return dcmread(files.save(folder / 'a.dcm', dataset, syntax))


@pytest.mark.parametrize(
    ('pixels', 'kind', 'file_type', 'syntax', 'tolerance'),
    [
        pytest.param(
            np.full((16, 16), 90, np.uint8), 'MONOCHROME2', 'JPEG', JPEGBaseline8Bit, 2, id='jpeg'
        ),
        pytest.param(
            np.full((16, 16, 3), (200, 60, 30), np.uint8),
            'YBR_FULL_422',
            'JPEG',
            JPEGBaseline8Bit,
            4,
            id='jpeg-colour',
        ),
        pytest.param(
            np.arange(256, dtype=np.uint8).reshape(16, 16),
            'MONOCHROME2',
            'JPEG2000',
            JPEG2000Lossless,
            0,
            id='jpeg-2000',
        ),
    ],
)
def test_compressed_pixels(
    tmp_path: Path, pixels: np.ndarray, kind: str, file_type: str, syntax: str, tolerance: int
) -> None:
    buffer = io.BytesIO()
    options = {'no_jp2': True} if file_type == 'JPEG2000' else {}
    Image.fromarray(pixels).save(buffer, file_type, **options)
    dataset = _compressed(tmp_path, buffer.getvalue(), syntax, pixels, kind)
    frame = decode_frame(dataset, 0, tmp_path)
    assert np.abs(frame.values.astype(int) - pixels).max() <= tolerance


def test_run_lengths_of_several_frames(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(3, 2, 4)
    dataset = _written(tmp_path, _dataset(pixels))
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / 'b.dcm')
    found = decode_frame(dcmread(tmp_path / 'b.dcm'), 2, tmp_path)
    assert found.values.tolist() == pixels[2].tolist()


def test_rescale_of_each_frame(tmp_path: Path) -> None:
    dataset = _dataset(np.zeros((2, 2, 2), np.uint16))
    dataset.PerFrameFunctionalGroupsSequence = [
        files.item(
            PixelValueTransformationSequence=[
                files.item(RescaleSlope=slope, RescaleIntercept=0, RescaleType='US')
            ],
            FrameVOILUTSequence=[files.item(WindowCenter=10 * slope, WindowWidth=5)],
        )
        for slope in (1, 2)
    ]
    frame = decode_frame(_written(tmp_path, dataset), 1, tmp_path)
    assert (frame.slope, frame.window) == (2.0, (20.0, 5.0))


def test_pixels_without_decoder_or_damaged(tmp_path: Path) -> None:
    dataset = _compressed(
        tmp_path, b'no JPEG-LS at all', JPEGLSLossless, np.zeros((4, 4), 'u1'), 'MONOCHROME2'
    )
    with pytest.raises(ValueError, match=r'JPEG-LS.*cannot be decoded.*install python-gdcm'):
        decode_frame(dataset, 0, tmp_path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'PixelData': bytes(2)}, 'cannot be decoded', id='cut-off'),
        pytest.param({'PhotometricInterpretation': 'CMYK'}, 'photometric', id='kind'),
        pytest.param({'SamplesPerPixel': 2}, 'cannot be decoded|do not fit', id='samples'),
        pytest.param({'BitsAllocated': 7}, 'cannot be decoded', id='bits'),
    ],
)
def test_bad_pixels(tmp_path: Path, change: dict, message: str) -> None:
    dataset = _written(tmp_path, _dataset(_GREY))
    for keyword, value in change.items():
        setattr(dataset, keyword, value)
    with pytest.raises(ValueError, match=message):
        decode_frame(dataset, 0, tmp_path)


def test_no_pixels(tmp_path: Path) -> None:
    dataset = _dataset(_GREY)
    del dataset.PixelData
    with pytest.raises(ValueError, match='holds no pixels'):
        decode_frame(_written(tmp_path, dataset), 0, tmp_path)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'Rows': 0}, 'holds no image', id='no-rows'),
        pytest.param({'Rows': 60000, 'Columns': 60000}, 'over the limit', id='huge-image'),
        pytest.param({'NumberOfFrames': 10**9}, 'over the limit', id='many-frames'),
    ],
)
def test_sizes_are_bounded(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_size(_dataset(_GREY, **changes), Path('a.dcm'))
