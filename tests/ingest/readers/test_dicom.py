"""DICOM series, images, segmentations and contours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual short name

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import DicomReader, RecipeError
from mmdet_medglip.ingest.source import SourceImage
from mmdet_medglip.ontology import Ontology
from tests.ingest import dicom_files as files

_SQUARE = np.zeros((6, 8), np.uint8)
_SQUARE[1:4, 2:5] = 200
_CORNER = np.zeros((6, 8), np.uint8)
_CORNER[5, 7] = 200


@pytest.fixture
def common() -> dict[str, Any]:
    """Options of every reader here."""
    labels = LabelMap({}, Ontology.default(), modality='ct')
    return {'modality': 'ct', 'source': 'demo', 'label_map': labels, 'empty_share': 1}


def _read(reader: DicomReader) -> list[SourceImage]:
    return [image for item in reader.items() for image in reader.read(item)]


def _shown(image: SourceImage) -> dict[str | None, list]:
    return {r.volume_instance_id: np.argwhere(r.mask).tolist() for r in image.regions}


def test_series_is_sorted_from_the_feet_up(tmp_path: Path, common: dict) -> None:
    reader = DicomReader(files.write_series(tmp_path / 'a'), **common)
    (item,) = reader.items()
    assert item.files == ('04.dcm', '03.dcm', '02.dcm', '01.dcm')
    assert json.loads(json.dumps(item.payload)) == item.payload
    images = list(reader.read(item))
    hounsfield = [int(image.image[0, 0]) + image.rescale_intercept for image in images]
    assert hounsfield == [-1000, -999, -998, -997]
    first = images[0]
    assert (first.name, first.slice_index, first.series) == ('2.25.100/0000', 0, '2.25.100')
    assert (first.patient, first.study, first.modality) == ('P1', '2.25.10', 'ct')
    assert (first.view, first.spacing_mm, first.rescale_type) == ('axial', (3.0, 2.0), 'HU')


@pytest.mark.parametrize(
    ('orientation', 'corner'),
    [
        pytest.param([1, 0, 0, 0, 1, 0], [0, 0], id='upright'),
        pytest.param([-1, 0, 0, 0, 1, 0], [0, 7], id='mirrored'),
        pytest.param([-1, 0, 0, 0, -1, 0], [5, 7], id='on-the-belly'),
    ],
)
def test_slices_are_turned_upright(
    tmp_path: Path, common: dict, orientation: list, corner: list
) -> None:
    pixels = np.zeros((6, 8), np.int16)
    pixels[0, 0] = 2000
    files.write_series(tmp_path, pixels=pixels, ImageOrientationPatient=orientation)
    image = _read(DicomReader(tmp_path, **common))[0]
    assert np.argwhere(image.image == 2000).tolist() == [corner]


def test_other_plane_through_a_series(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    images = _read(DicomReader(tmp_path, plane='coronal', **common))
    assert [image.size for image in images] == [(4, 8)] * 6
    assert (images[0].view, images[0].spacing_mm) == ('coronal', (5.0, 2.0))
    assert (images[0].image[:, 0] - 1024.0).tolist() == [-997, -998, -999, -1000]


def test_sagittal_series(tmp_path: Path, common: dict) -> None:
    for index in range(3):
        dataset = files.ct_slice(index, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
        dataset.ImagePositionPatient = [7.0 * index, 0.0, 0.0]
        files.save(tmp_path / f'{index}.dcm', dataset)
    images = _read(DicomReader(tmp_path, **common))
    assert {image.view for image in images} == {'sagittal'}
    assert [int(image.image[0, 0]) for image in images] == [24, 25, 26]


def test_scale_of_each_slice(tmp_path: Path, common: dict) -> None:
    for index in range(2):
        files.save(tmp_path / f'{index}', files.ct_slice(index, RescaleSlope=index + 1))
    images = _read(DicomReader(tmp_path, **common))
    assert [float(i.image[0, 0]) + i.rescale_intercept for i in images] == [-1000, 50 - 1024]


@pytest.mark.parametrize(
    ('keyword', 'values'),
    [
        pytest.param('AcquisitionNumber', ['1', '2'], id='acquisition'),
        pytest.param('EchoNumbers', ['1', '2'], id='echo'),
        pytest.param('ImageType', [['ORIGINAL'], ['DERIVED', 'X']], id='type'),
        pytest.param('PixelSpacing', [[3.0, 2.0], [1.0, 1.0]], id='pixel-size'),
    ],
)
def test_series_of_two_volumes(tmp_path: Path, common: dict, keyword: str, values: list) -> None:
    for number, value in enumerate(values):
        for index in range(2):
            dataset = files.ct_slice(index, **{keyword: value})
            dataset.SOPInstanceUID = f'2.25.7.{number}.{index}'
            files.save(tmp_path / f'{number}{index}.dcm', dataset)
    images = _read(DicomReader(tmp_path, gaps='keep', **common))
    assert [image.name for image in images] == [
        f'2.25.100/{volume}/{index:04d}' for volume in (1, 2) for index in (0, 1)
    ]
    assert {image.series for image in images} == {'2.25.100'}


def test_scout_images_are_volumes_of_one_slice(tmp_path: Path, common: dict) -> None:
    for index, direction in enumerate([[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]]):
        dataset = files.ct_slice(index, ImageOrientationPatient=direction)
        files.save(tmp_path / f'{index}.dcm', dataset)
    images = _read(DicomReader(tmp_path, **common))
    assert [image.view for image in images] == ['axial', 'coronal']


def _double(folder: Path) -> None:
    dataset = files.ct_slice(1)
    dataset.SOPInstanceUID = '2.25.9'
    files.save(folder / 'again.dcm', dataset)


@pytest.mark.parametrize(
    ('spoil', 'reason', 'count'),
    [
        pytest.param(_double, 'slices are at one position', 5, id='two-at-a-position'),
        pytest.param(
            lambda folder: (folder / '02.dcm').unlink(),
            'slices are missing or unevenly spaced',
            3,
            id='missing-slice',
        ),
    ],
)
def test_series_that_makes_no_volume(
    tmp_path: Path, common: dict, spoil: Callable, reason: str, count: int
) -> None:
    spoil(files.write_series(tmp_path))
    reader = DicomReader(tmp_path, **common)
    assert reader.items() == []
    (reject,) = reader.take_rejects()
    assert (reject.reason, reject.count) == (reason, count)


def test_gaps_may_be_kept(tmp_path: Path, common: dict) -> None:
    (files.write_series(tmp_path) / '02.dcm').unlink()
    assert len(_read(DicomReader(tmp_path, gaps='keep', **common))) == 3
    with pytest.raises(ValueError, match='unevenly spaced'):
        _read(DicomReader(tmp_path, gaps='keep', plane='coronal', **common))


def test_copies_are_told(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    (tmp_path / 'copy.dcm').write_bytes((tmp_path / '01.dcm').read_bytes())
    reader = DicomReader(tmp_path, **common)
    assert len(_read(reader)) == 4
    assert [r.reason for r in reader.take_rejects()] == ['image is there twice']


def test_files_that_are_no_images(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    (tmp_path / 'notes.txt').write_text('no image')
    (tmp_path / 'x.dcm').write_text('no image')
    files.save(
        tmp_path / 'r.dcm', files.new_dataset('2.25.8', '1.2.840.10008.5.1.4.1.1.88.11', 'SR')
    )
    (tmp_path / 't.dcm').write_bytes((tmp_path / '01.dcm').read_bytes()[:140])
    reader = DicomReader(tmp_path, **common)
    assert len(reader.items()) == 1
    assert {(r.file, r.reason) for r in reader.take_rejects()} == {
        ('x.dcm', 'not a DICOM file'),
        ('r.dcm', 'DICOM file holds no image'),
        ('t.dcm', 'DICOM header is not readable'),
    }


def test_no_image_at_all(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match='no DICOM image'):
        DicomReader(tmp_path, **common).items()


def test_files_by_pattern(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path / 'a')
    files.save(tmp_path / 'b' / 'x.dcm', files.ct_slice(0, SeriesInstanceUID='2.25.5'))
    images = _read(DicomReader(tmp_path, files=['b/{stem}.dcm'], **common))
    assert [(image.name, image.folder) for image in images] == [('2.25.5/0000', 'b')]


@pytest.mark.parametrize(
    ('references', 'planes'),
    [(True, True), (True, False), (False, True)],
    ids=['both', 'by-reference', 'by-plane'],
)
def test_segments_lie_on_their_slices(
    tmp_path: Path, common: dict, references: bool, planes: bool
) -> None:
    files.write_series(tmp_path)
    files.write_seg(
        tmp_path / 'seg.dcm',
        [(1, 2, _SQUARE), (1, 1, _SQUARE // 2), (2, 2, _SQUARE), (2, 2, _CORNER)],
        {1: 'Liver', 2: 'liver lesion'},
        references=references,
        planes=planes,
    )
    images = _read(DicomReader(tmp_path, annotations='seg', **common))
    square = [[r, c] for r in (1, 2, 3) for c in (2, 3, 4)]
    assert [_shown(image) for image in images] == [
        {},
        # Half of the largest value, 200, is inside.
        {'liver': square},
        {'liver': square, 'liver_lesion:1': square, 'liver_lesion:2': [[5, 7]]},
        {},
    ]
    assert [r.name for r in images[1].regions] == ['Liver']


def test_segments_follow_the_turn_of_slices(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path, ImageOrientationPatient=[-1, 0, 0, 0, 1, 0])
    files.write_seg(tmp_path / 's', [(1, 0, _CORNER)], {1: 'liver'}, planes=False)
    assert _shown(_read(DicomReader(tmp_path, annotations='seg', **common))[0]) == {
        'liver': [[5, 0]]
    }
    coronal = _read(DicomReader(tmp_path, annotations='seg', plane='coronal', **common))
    assert [_shown(image) for image in coronal[4:]] == [{}, {'liver': [[3, 0]]}]


def test_part_of_the_image_is_segmented(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    part = np.full((2, 4), 200, np.uint8)
    # One row below and two columns right of the image's first pixel.
    files.write_seg(tmp_path / 's', [(1, 0, part)], {1: 'liver'}, position=(14.0, 23.0))
    image = _read(DicomReader(tmp_path, annotations='seg', **common))[0]
    assert _shown(image) == {'liver': [[r, c] for r in (1, 2) for c in (2, 3, 4, 5)]}


def test_label_map_segmentation(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    labels = np.where(_SQUARE > 0, 1, 5) + np.where(_CORNER > 0, -3, 0)
    files.write_seg(
        tmp_path / 's',
        [(0, 1, labels)],
        {0: 'Background', 1: 'liver', 2: 'spleen'},
        SegmentationType='LABELMAP',
        PixelPaddingValue=5,
    )
    image = _read(DicomReader(tmp_path, annotations='seg', **common))[1]
    assert {name: len(pixels) for name, pixels in _shown(image).items()} == {
        'liver': 9,
        'spleen': 1,
    }


def test_coded_type_as_name(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    files.write_seg(tmp_path / 's', [(1, 0, _SQUARE)], {1: 'thing'})
    reader = DicomReader(tmp_path, annotations='seg', segment_names='type', **common)
    assert _read(reader)[0].regions[0].name == 'Left Kidney'


@pytest.mark.parametrize(
    'options',
    [
        pytest.param({'position': (10.5, 20.0)}, id='between-pixels'),
        pytest.param({'position': (10.0, 20.0), 'references': False}, id='between-slices'),
    ],
)
def test_segment_frames_that_fit_no_image(tmp_path: Path, common: dict, options: dict) -> None:
    files.write_series(tmp_path)
    index = 0 if options.get('references', True) else 9
    files.write_seg(tmp_path / 's', [(1, index, _SQUARE), (1, index, _CORNER)], {1: 'a'}, **options)
    reader = DicomReader(tmp_path, annotations='seg', **common)
    assert not any(image.regions for image in _read(reader))
    (reject,) = reader.take_rejects()
    assert (reject.reason, reject.count) == ('segment frame fits no image', 2)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'SegmentSequence': []}, 'does not describe', id='no-segments'),
        pytest.param({'NumberOfFrames': 3}, 'holds another number', id='frames'),
        pytest.param({'SegmentationType': 'OTHER'}, 'known type', id='type'),
        pytest.param({'PixelData': None}, 'cannot be decoded', id='no-pixels'),
        pytest.param({'Rows': 60000}, 'over the limit|cannot be decoded', id='huge'),
    ],
)
def test_bad_segmentation(tmp_path: Path, common: dict, changes: dict, message: str) -> None:
    files.write_series(tmp_path)
    files.write_seg(tmp_path / 's', [(1, 0, _SQUARE)], {1: 'liver'}, **changes)
    with pytest.raises(ValueError, match=message):
        _read(DicomReader(tmp_path, annotations='seg', **common))


def _ring(left: float, top: float, right: float, bottom: float, height: float) -> list:
    return [[x, y, height] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]


def test_contours(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    # Columns are 2 mm from x = 10, rows 3 mm from y = 20: this holds columns 1-5 and rows 1-4,
    # and its hole columns 3-4 and rows 2-3.
    outer, hole = _ring(11, 21.5, 21, 33.5, 5), _ring(15, 24.5, 19, 30.5, 5)
    files.write_rtstruct(
        tmp_path / 'rt.dcm',
        [
            (1, 'CLOSED_PLANAR', outer),
            (1, 'CLOSED_PLANAR', hole),
            (2, 'POINT', [[10.0, 20.0, 0.0]]),
            (2, 'CLOSED_PLANAR', _ring(11, 21.5, 21, 33.5, 2.5)),
            (2, 'CLOSED_PLANAR', [[10, 20, 0], [20, 20, 0], [20, 30, 10]]),
        ],
        {1: 'Liver', 2: 'spleen'},
    )
    reader = DicomReader(tmp_path, annotations='rtstruct', **common)
    images = _read(reader)
    expected = [
        [r, c] for r in range(1, 5) for c in range(1, 6) if not (r in (2, 3) and c in (3, 4))
    ]
    assert [_shown(image) for image in images] == [{}, {'liver': expected}, {}, {}]
    assert [(r.reason, r.detail, r.count) for r in reader.take_rejects()] == [
        ('contour is not a closed plane curve', 'spleen: POINT', 1),
        ('contour lies in no slice', 'spleen', 2),
    ]


def test_contours_without_name(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path)
    files.write_rtstruct(tmp_path / 'rt', [(1, 'POINT', [[0.0, 0.0, 0.0]])], {})
    with pytest.raises(ValueError, match='which has no name'):
        _read(DicomReader(tmp_path, annotations='rtstruct', **common))


def test_annotation_of_another_series(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path, SeriesInstanceUID='2.25.999', FrameOfReferenceUID='2.25.998')
    files.write_seg(tmp_path / 's', [(1, 0, _SQUARE)], {1: 'liver'})
    reader = DicomReader(tmp_path, annotations='seg', **common)
    assert reader.items() == []
    assert [r.reason for r in reader.take_rejects()] == [
        'annotation belongs to no image',
        'annotation file is missing',
    ]
    reader = DicomReader(tmp_path, annotations='seg', missing='negative', **common)
    assert len(_read(reader)) == 4


def test_annotation_in_the_same_space(tmp_path: Path, common: dict) -> None:
    files.write_series(tmp_path, SeriesInstanceUID='2.25.999')
    files.write_seg(tmp_path / 's', [(1, 0, _SQUARE)], {1: 'liver'}, references=False)
    images = _read(DicomReader(tmp_path, annotations='seg', **common))
    assert [len(image.regions) for image in images] == [1, 0, 0, 0]


def test_images_that_stand_alone(tmp_path: Path, common: dict) -> None:
    dataset = files.new_dataset('2.25.1', files.X_RAY, 'DX')
    dataset.PhotometricInterpretation = 'MONOCHROME1'
    dataset.ImagerPixelSpacing = [0.2, 0.1]
    dataset.ViewPosition, dataset.ImageLaterality = 'PA', 'L'
    dataset.BodyPartExamined = 'CHEST'
    dataset.WindowCenter, dataset.WindowWidth = [1000, 5], [200, 6]
    files.set_pixels(dataset, np.array([[0, 4095], [1, 5]], np.uint16), bits=12)
    files.save(tmp_path / 'train' / 'x', dataset)
    (image,) = _read(DicomReader(tmp_path, **common | {'modality': 'xray'}))
    assert (image.name, image.folder, image.slice_index) == ('train/x', 'train', None)
    assert (image.modality, image.view, image.body_region) == ('xray', 'left PA', 'chest')
    assert image.image.tolist() == [[4095, 0], [4094, 4090]]
    assert (image.window, image.spacing_mm) == ((3095.0, 200.0), (0.2, 0.1))


def test_frames_without_position(tmp_path: Path, common: dict) -> None:
    dataset = files.new_dataset('2.25.1', files.ULTRASOUND, 'US')
    region = files.item(
        RegionSpatialFormat=1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.02,
        PhysicalDeltaY=-0.03,
    )
    dataset.SequenceOfUltrasoundRegions = [region]
    pixels = np.zeros((4, 5, 6, 3), np.uint8)
    pixels[2, 0, 0] = (1, 2, 3)
    files.save(tmp_path / 'us.dcm', files.set_pixels(dataset, pixels))
    images = _read(DicomReader(tmp_path, slice_step=2, **common | {'modality': 'ultrasound'}))
    assert [image.name for image in images] == ['us.dcm/0000', 'us.dcm/0002']
    assert images[1].image[0, 0].tolist() == [1, 2, 3]
    assert images[0].spacing_mm == pytest.approx((0.3, 0.2))
    assert (images[0].modality, images[0].flags) == ('ultrasound', ('burned_in_text',))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'annotations': 'sr'}, "'annotations'", id='annotations'),
        pytest.param({'segment_names': 'code'}, "'segment_names'", id='names'),
        pytest.param({'missing': 'drop'}, "'missing'", id='missing'),
        pytest.param({'gaps': 'fill'}, "'gaps'", id='gaps'),
        pytest.param({'plane': 'oblique'}, "'plane'", id='plane'),
    ],
)
def test_bad_options(tmp_path: Path, common: dict, options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        DicomReader(tmp_path, **common, **options)


@pytest.mark.parametrize(
    'keep',
    [pytest.param(0.3, id='in-the-header'), pytest.param(0.95, id='in-the-pixels')],
)
def test_truncated_slice(tmp_path: Path, common: dict, keep: float) -> None:
    files.write_series(tmp_path)
    reader = DicomReader(tmp_path, **common)
    items = reader.items()
    data = (tmp_path / '02.dcm').read_bytes()
    (tmp_path / '02.dcm').write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match=r'02\.dcm'):
        [image for item in items for image in reader.read(item)]


_REAL = 'dicom/dcmqi_ct_seg'


def _truth(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.mark.parametrize(
    ('patterns', 'truths'),
    [
        pytest.param(
            ['ct-3slice/{stem}.dcm', 'liver.dcm'], {'Liver': ('liver_seg.nrrd', 1)}, id='liver'
        ),
        pytest.param(
            ['ct-3slice/{stem}.dcm', 'partial_overlaps.dcm'],
            {
                'GREEN': ('partial_overlaps-1.nrrd', 1),
                'ORANGE': ('partial_overlaps-2.nrrd', 2),
                'PURPLE': ('partial_overlaps-3.nrrd', 3),
                'LIGHT_BLUE': ('partial_overlaps-1.nrrd', 4),
                'DARK_BLUE': ('partial_overlaps-1.nrrd', 5),
            },
            id='overlapping-segments',
        ),
        *(
            pytest.param(
                [f'{size}/{kind}/{{stem}}.dcm', f'{size}/seg/label.seg'],
                {'Liver': (f'{size}/nrrd/label.nrrd', 1)},
                id=f'{size}-{kind}',
            )
            for size in ('23x38x3', '24x38x3')
            for kind in ('image', 'multiframe')
        ),
        *(
            pytest.param(
                ['24x38x3/image/{stem}.dcm', f'sparse-labelmap-{kind}.dcm'],
                {'Liver': (f'sparse_labelmap_{kind}_seg.nrrd', 1)},
                id=f'label-map-{kind}',
            )
            for kind in ('noppv', 'ppv5')
        ),
    ],
)
def test_real_segmentations(
    real_data_root: Path, common: dict, patterns: list, truths: dict
) -> None:
    root = real_data_root / _REAL
    images = _read(DicomReader(root, files=patterns, annotations='seg', **common))
    assert len(images) == 3
    for name, (file, value) in truths.items():
        truth = _truth(root / file) == value
        assert truth.any()
        for image in images:
            masks = [r.mask for r in image.regions if r.name == name]
            found = masks[0] if masks else np.zeros(image.size, bool)
            np.testing.assert_array_equal(found, truth[image.slice_index])
