"""Which way the modality of an image is found, and that everything after it follows."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
import torch

from mmdet_medglip.datasets import IntensityWindow, LoadMedImage, RouteModality
from mmdet_medglip.models.classifiers import ModalityClassifier
from mmdet_medglip.routing import Verdict

GREY = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)


class Fixed:
    """A classifier that says one thing."""

    def __init__(self, *verdict: object) -> None:
        self.verdict = Verdict(*verdict)
        self.asked: list[tuple] = []

    def predict(self, thumbnails, min_confidence, max_distance):
        assert thumbnails.shape == (1, 3, 64, 64)
        assert thumbnails.dtype == torch.uint8
        self.asked.append((min_confidence, max_distance))
        return [self.verdict]


def router(verdict: tuple | None = ('mri', 0.8, 0.5, True), **arguments: object) -> RouteModality:
    transform = RouteModality(**arguments)
    transform.classifier = None if verdict is None else Fixed(*verdict)
    return transform


@pytest.fixture
def png(tmp_path: Path) -> str:
    path = tmp_path / 'a.png'
    assert cv2.imwrite(str(path), GREY)
    return str(path)


@pytest.fixture
def dicom(tmp_path: Path):
    """Factory of a DICOM file of one CT-like slice under any code."""

    def write(code: str) -> str:
        dataset = pydicom.Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = '1.2.840.10008.5.1.4.1.1.2', '2.25.1'
        dataset.Modality, dataset.PatientName = code, 'Doe^John'
        dataset.Rows = dataset.Columns = 64
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, 'MONOCHROME2'
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.PixelRepresentation = 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.WindowCenter, dataset.WindowWidth = 40, 80
        dataset.PixelData = GREY.tobytes()
        dataset.file_meta = pydicom.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        path = tmp_path / f'{code}.dcm'
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return str(path)

    return write


def routed(transform: RouteModality, path: str, **fields: object) -> dict:
    return transform(LoadMedImage()(dict(img_path=path, img_id='case', **fields)))


@pytest.mark.parametrize('given', ['ct', 'CT', 'computed tomography'])
def test_what_is_given_is_used_and_nobody_is_asked(png, given):
    transform = router()
    results = routed(transform, png, modality=given)
    assert results['modality'] == 'ct'
    assert results['routing']['by'] == 'given'
    assert results['routing']['confidence'] == 1.0
    assert not transform.classifier.asked


def test_an_unknown_given_name_is_an_error(png):
    with pytest.raises(ValueError, match="Unknown modality 'xrai'"):
        routed(router(), png, modality='xrai')


@pytest.mark.parametrize('given', [{'modality': 'auto'}, {'modality': None}, {}], ids=str)
def test_the_classifier_decides_where_nothing_is_said(png, given):
    results = routed(router(), png, **given)
    assert results['modality'] == 'mri'
    assert results['routing'] == dict(
        modality='mri', by='image', confidence=0.8, distance=0.5, likeliest='mri'
    )


@pytest.mark.parametrize(
    ('fallback', 'modality', 'by'),
    [
        pytest.param(None, 'unrouted', 'abstained', id='abstain'),
        pytest.param('CT', 'ct', 'fallback', id='fallback'),
    ],
)
def test_an_unsure_classifier_is_not_followed(png, fallback, modality, by):
    results = routed(router(('mri', 0.3, 4.0, False), fallback=fallback), png, modality='auto')
    assert (results['modality'], results['routing']['by']) == (modality, by)
    assert results['routing']['likeliest'] == 'mri'


@pytest.mark.parametrize(
    ('code', 'modality', 'by'),
    [
        pytest.param('CT', 'ct', 'dicom', id='header'),
        pytest.param('DX', 'xray', 'dicom', id='alias'),
        pytest.param('PT', 'unrouted', 'abstained', id='header-of-what-is-not-served'),
        pytest.param('OT', 'mri', 'image', id='open-header'),
    ],
)
def test_a_header_comes_before_the_image(dicom, code, modality, by):
    results = routed(router(), dicom(code), modality='auto')
    assert (results['modality'], results['routing']['by']) == (modality, by)


def test_a_dicom_file_is_windowed_as_its_modality_asks(dicom):
    results = routed(router(None), dicom('CT'), modality='auto')
    assert results['rescale_type'] == 'HU'
    assert results['img'][0, 0] == -1024
    windowed = IntensityWindow()(results)
    assert windowed['intensity_range'] == (0.0, 80.0)


def test_an_unrouted_image_is_windowed_by_its_percentiles(png):
    results = IntensityWindow()(routed(router(('ct', 0.1, 9.0, False)), png, modality='auto'))
    assert results['intensity_range'] == pytest.approx((20.475, 4074.525))


def test_own_bounds_reach_the_classifier(png):
    transform = router(min_confidence=0.5, max_distance=2.0)
    routed(transform, png, modality='auto')
    assert transform.classifier.asked == [(0.5, 2.0)]


def test_no_classifier_is_an_error_only_where_one_is_needed(png):
    assert routed(router(None), png, modality='ct')['modality'] == 'ct'
    assert routed(router(None, fallback='ct'), png, modality='auto')['routing']['by'] == 'fallback'
    with pytest.raises(ValueError, match=r'a\.png names no modality and RouteModality has no'):
        routed(router(None), png, modality='auto')


def make_classifier(seed: int = 0) -> ModalityClassifier:
    torch.manual_seed(seed)
    classifier = ModalityClassifier(['ct', 'mri']).eval()
    classifier.max_distance.fill_(1e6)
    classifier.min_confidence.fill_(0.0)
    classifier.distance.present.fill_(1)
    return classifier


def test_a_checkpoint_of_the_detector_brings_the_classifier(png, tmp_path):
    classifier = make_classifier()
    weights = {f'modality_classifier.{k}': v for k, v in classifier.state_dict().items()}
    torch.save(dict(state_dict=weights | {'neck.weight': torch.zeros(1)}), tmp_path / 'a.pth')
    transform = RouteModality(checkpoint=str(tmp_path / 'a.pth'))
    results = routed(pickle.loads(pickle.dumps(transform)), png, modality='auto')
    assert results['routing']['by'] == 'image'
    assert results['modality'] in ('ct', 'mri')


def test_a_checkpoint_without_classifier_is_one_error(tmp_path):
    torch.save(dict(state_dict={'neck.weight': torch.zeros(1)}), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth: No modality classifier'):
        RouteModality(checkpoint=str(tmp_path / 'a.pth'))


def test_new_weights_reach_workers_through_shared_memory(png):
    transform = RouteModality()
    transform.use(make_classifier(0))
    weight = transform.classifier.fc.weight
    assert weight.is_shared()
    newer = make_classifier(1)
    transform.use(newer)
    assert transform.classifier.fc.weight is weight
    assert torch.equal(weight, newer.fc.weight)
    assert transform.classifier is not newer


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'min_confidence': 1.5}, r'min_confidence must be in \[0, 1\]', id='share'),
        pytest.param({'max_distance': 0}, 'max_distance must be positive', id='distance'),
        pytest.param({'fallback': 'pet'}, "Unknown modality 'pet'", id='fallback'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        RouteModality(**arguments)
