"""Names are replaced, and nothing of a header gets through."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword

from mmdet_medglip.ingest.deidentify import (
    basic_profile_clean,
    burned_in_text_suspected,
    load_or_create_key,
    pseudonym,
    scrub,
)
from mmdet_medglip.ingest.dicom.basic_profile import basic_profile_actions
from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import DicomReader
from mmdet_medglip.ontology import Ontology
from tests.ingest import dicom_files as files

pytestmark = pytest.mark.filterwarnings('ignore:Invalid value for VR')

_KEY = bytes(range(32))
_SECRET = 'DoeJohn'
_NEEDED = {'Modality', 'PhotometricInterpretation'}
_TEXT = {'AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT'}


def test_pseudonyms() -> None:
    name = pseudonym(_KEY, 'patient', 'Doe')
    assert name == pseudonym(_KEY, 'patient', 'Doe')
    assert name.startswith('p-')
    assert len(name) == 18
    others = [
        pseudonym(_KEY, 'patient', 'doe'),
        pseudonym(_KEY, 'path', 'Doe'),
        pseudonym(bytes(32), 'patient', 'Doe'),
    ]
    assert len({name, *others}) == 4


def test_kind_and_name_do_not_run_together() -> None:
    assert pseudonym(_KEY, 'a', 'bc') != pseudonym(_KEY, 'ab', 'c')


@pytest.mark.parametrize(
    ('key', 'kind', 'message'),
    [(bytes(31), 'patient', 'at least 32 bytes'), (_KEY, '', "'kind'")],
)
def test_bad_arguments(key: bytes, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pseudonym(key, kind, 'Doe')


def test_key_is_drawn_once(tmp_path: Path) -> None:
    path = tmp_path / 'key'
    key = load_or_create_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create_key(path) == key
    assert load_or_create_key(tmp_path / 'other') != key


@pytest.mark.parametrize('mode', [0o640, 0o604, 0o660])
def test_key_that_others_may_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / 'key'
    load_or_create_key(path)
    os.chmod(path, mode)
    with pytest.raises(ValueError, match=r'may be read by others .* chmod 600'):
        load_or_create_key(path)


@pytest.mark.parametrize('content', ['', 'ab' * 31, 'xy' * 32, 'ab' * 33])
def test_bad_key_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / 'key'
    path.write_text(content)
    os.chmod(path, 0o600)
    with pytest.raises(ValueError, match='must hold 64 hexadecimal digits'):
        load_or_create_key(path)


@pytest.mark.parametrize(
    ('text', 'names', 'expected'),
    [
        pytest.param('Doe is ill', ['Doe'], '[removed] is ill', id='name'),
        pytest.param('doe_1.nii', ['DOE_1'], '[removed].nii', id='case'),
        pytest.param(
            '/d/x/Doe_J/1.dcm: cut', ['/d/x', 'Doe_J/1.dcm'], '[removed]/[removed]: cut', id='path'
        ),
        pytest.param(
            'labels/Doe_J.nii', ['images/Doe_J.nii.gz'], 'labels/[removed].nii', id='stem'
        ),
        pytest.param('10 of 110 rows', ['10'], '[removed] of 110 rows', id='short'),
        pytest.param('a+b (c)', ['a+b'], '[removed] (c)', id='sign'),
        pytest.param('nothing', [], 'nothing', id='no-names'),
        pytest.param('nothing', [''], 'nothing', id='empty-name'),
    ],
)
def test_scrub(text: str, names: list[str], expected: str) -> None:
    assert scrub(text, names) == expected


@pytest.mark.parametrize(
    ('values', 'suspected'),
    [
        pytest.param({'BurnedInAnnotation': 'YES', 'Modality': 'CT'}, True, id='marked'),
        pytest.param({'BurnedInAnnotation': 'NO', 'Modality': 'US'}, False, id='marked-free'),
        pytest.param({'Modality': 'US'}, True, id='ultrasound'),
        pytest.param({'Modality': 'CT'}, False, id='ct'),
        pytest.param(
            {'Modality': 'CT', 'SOPClassUID': '1.2.840.10008.5.1.4.1.1.7'}, True, id='capture'
        ),
        pytest.param({'Modality': 'CR', 'ConversionType': 'DF'}, True, id='film'),
    ],
)
def test_headers_that_suggest_text(values: dict, suspected: bool) -> None:
    assert burned_in_text_suspected(files.item(**values)) is suspected


def _planted() -> Dataset:
    """An image with a secret in every text attribute that DICOM's profile names, and more."""
    dataset = files.ct_slice(0)
    keywords = {
        *(element.keyword for element in dataset),
        *('PatientComments', 'BodyPartExamined', 'ViewPosition', 'Laterality', 'ImageLaterality'),
        *('WindowCenterWidthExplanation', 'RescaleType', 'BurnedInAnnotation', 'ImageType'),
        *('ProtocolName', 'ImageComments', 'StackID', 'EchoNumbers'),
    }
    for tag in basic_profile_actions():
        if tag >> 16 > 0x0007 and dictionary_VR(tag) in _TEXT:
            dataset.add_new(tag, dictionary_VR(tag), _SECRET)
    for keyword in sorted(keywords):
        tag = tag_for_keyword(keyword)
        if tag is not None and dictionary_VR(tag) in _TEXT and keyword not in _NEEDED:
            dataset.add_new(tag, dictionary_VR(tag), _SECRET)
    dataset.add_new(0x00090010, 'LO', _SECRET)
    dataset.add_new(0x00091001, 'LT', _SECRET)
    dataset.RequestAttributesSequence = [files.item(RequestedProcedureDescription=_SECRET)]
    return dataset


def _holds_secret(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return False
    if dataclasses.is_dataclass(value):
        return any(_holds_secret(v) for v in vars(value).values())
    if isinstance(value, (tuple, list)):
        return any(map(_holds_secret, value))
    return _SECRET.casefold() in str(value).casefold()


@pytest.mark.parametrize('stacked', [True, False], ids=['slice', 'single-image'])
def test_text_of_a_header_reaches_names_only(tmp_path: Path, stacked: bool) -> None:
    dataset = _planted()
    if not stacked:
        del dataset.ImagePositionPatient
    files.save(tmp_path / 'a.dcm', dataset)
    labels = LabelMap({}, Ontology.default(), modality='ct')
    reader = DicomReader(tmp_path, source='demo', modality='ct', label_map=labels)
    (item,) = reader.items()
    (image,) = reader.read(item)
    fields = {f.name: getattr(image, f.name) for f in dataclasses.fields(image)}
    told = {name for name, value in fields.items() if _holds_secret(value)}
    assert told <= {'patient', 'study', 'series', 'name'}
    assert image.patient == _SECRET
    assert not any(_holds_secret(reject) for reject in reader.take_rejects())


def test_profile_cleans_everything(tmp_path: Path) -> None:
    dataset = _planted()
    path = files.save(tmp_path / 'a.dcm', dataset)
    original = dcmread(path)
    original.add_new(0x60000010, 'US', 1)
    original.add_new(0x60004000, 'LT', _SECRET)
    original.add_new(0x50003000, 'OB', b'DoeJohn ')
    cleaned = basic_profile_clean(original, _KEY)
    actions = basic_profile_actions()
    for element in cleaned.iterall():
        if int(element.tag) in actions or element.tag.is_private:
            assert _SECRET not in str(element.value), element
    assert cleaned.PatientName in (None, '')
    assert 'PatientComments' not in cleaned
    assert cleaned.PatientIdentityRemoved == 'YES'
    assert cleaned.SOPInstanceUID == cleaned.file_meta.MediaStorageSOPInstanceUID
    assert cleaned.SOPInstanceUID != original.SOPInstanceUID
    assert cleaned.SOPClassUID == original.SOPClassUID
    assert not any(element.tag.is_private for element in cleaned)
    assert 0x60004000 not in cleaned
    assert 0x50003000 not in cleaned
    assert original.PatientID == _SECRET
    cleaned.save_as(tmp_path / 'b.dcm')
    saved = (tmp_path / 'b.dcm').read_bytes()
    np.testing.assert_array_equal(dcmread(tmp_path / 'b.dcm').pixel_array, original.pixel_array)
    assert b'RequestedProcedureDescription' not in saved


def test_uids_stay_consistent() -> None:
    first = basic_profile_clean(files.ct_slice(0), _KEY)
    second = basic_profile_clean(files.ct_slice(1), _KEY)
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    other = basic_profile_clean(files.ct_slice(0), bytes(32))
    assert other.SeriesInstanceUID != first.SeriesInstanceUID


def test_references_are_renamed_too(tmp_path: Path) -> None:
    mask = np.full((6, 8), 200, np.uint8)
    dataset = dcmread(files.write_seg(tmp_path / 's.dcm', [(1, 0, mask)], {1: 'liver'}))
    cleaned = basic_profile_clean(dataset, _KEY)
    source = cleaned.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    image = basic_profile_clean(files.ct_slice(0), _KEY)
    assert source.SourceImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert cleaned.ReferencedSeriesSequence[0].SeriesInstanceUID == image.SeriesInstanceUID


@pytest.mark.parametrize(
    ('keyword', 'action'),
    [
        ('PatientName', 'Z'),
        ('PatientID', 'Z/D'),
        ('PatientBirthDate', 'Z'),
        ('SOPInstanceUID', 'U'),
        ('PatientComments', 'X'),
        ('AccessionNumber', 'Z'),
        ('SourceImageSequence', 'X/Z/U*'),
    ],
)
def test_table_of_the_standard(keyword: str, action: str) -> None:
    assert basic_profile_actions()[int(tag_for_keyword(keyword) or 0)] == action
