"""Frames of single and multi-frame data sets."""

import numpy as np
import pytest
from pydicom import Dataset

from mmdet_medglip.ingest.dicom.frames import frames_of, plane_of
from tests.ingest import dicom_files as files
from tests.ingest.dicom_files import item


def test_single_image() -> None:
    dataset = files.ct_slice(2, AcquisitionNumber=4, ImageType=['ORIGINAL', 'AXIAL'])
    (frame,) = frames_of(dataset, file=3)
    assert (frame.uid, frame.number, frame.file) == (files.slice_uid(2), 0, 3)
    assert frame.size == (6, 8)
    assert frame.keys == ('4', '', '', 'ORIGINAL/AXIAL')
    assert frame.plane is not None
    assert (frame.plane.position, frame.plane.spacing) == ((10.0, 20.0, 10.0), (3.0, 2.0))
    assert frame.plane.thickness == 5.0


@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({'ImagePositionPatient': None}, id='no-position'),
        pytest.param({'ImageOrientationPatient': [1, 0, 0, 0, 1]}, id='five-numbers'),
        pytest.param({'ImageOrientationPatient': [1, 0, 0, 1, 0, 0]}, id='one-direction'),
        pytest.param({'PixelSpacing': [0, 2]}, id='no-pixel-size'),
        pytest.param({'NumberOfFrames': 2}, id='several-frames'),
    ],
)
def test_images_without_plane(changes: dict) -> None:
    frames = frames_of(files.ct_slice(0, **changes))
    assert all(frame.plane is None for frame in frames)


def _multi_frame() -> Dataset:
    dataset = files.new_dataset('2.25.1', files.CT, 'CT')
    files.set_pixels(dataset, np.zeros((2, 4, 5), np.uint16))
    dataset.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=files.AXIAL)],
            PixelMeasuresSequence=[item(PixelSpacing=[1, 2], SpacingBetweenSlices=3)],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 9 - 3 * index])],
            FrameContentSequence=[item(StackID=str(index))],
        )
        for index in range(2)
    ]
    return dataset


def test_functional_groups() -> None:
    frames = frames_of(_multi_frame())
    assert [frame.number for frame in frames] == [0, 1]
    planes = [frame.plane for frame in frames if frame.plane is not None]
    assert [plane.position[2] for plane in planes] == [9.0, 6.0]
    assert {plane.thickness for plane in planes} == {3.0}
    assert [frame.keys[0] for frame in frames] == ['0', '1']


def test_own_groups_come_before_shared_ones() -> None:
    dataset = _multi_frame()
    measures = item(PixelSpacing=[7, 7], SliceThickness=1)
    dataset.PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence = [measures]
    spacings = [frame.plane.spacing for frame in frames_of(dataset) if frame.plane is not None]
    assert spacings == [(1.0, 2.0), (7.0, 7.0)]


def test_plane_of_an_empty_header() -> None:
    assert plane_of(Dataset()) is None
