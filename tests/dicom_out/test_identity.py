import pytest
from pydicom import dcmread

from mmdet_medglip.dicom_out import Identity
from mmdet_medglip.dicom_out.identity import GEOMETRY, KEPT, passed
from mmdet_medglip.ingest.dicom.basic_profile import basic_profile_clean

from .conftest import SECRET, planted

KEY = bytes(range(32))


def test_only_what_is_listed_passes():
    source = planted(0)
    header = passed(source, Identity())
    empty = {
        *('PatientID', 'PatientName', 'PatientBirthDate', 'PatientSex', 'AccessionNumber'),
        *('StudyID', 'StudyDate', 'StudyTime', 'ReferringPhysicianName'),
    }
    keywords = {element.keyword for element in header}
    assert keywords <= set(GEOMETRY) | empty
    assert all(not header.get(keyword) for keyword in empty)
    assert header.SOPInstanceUID == source.SOPInstanceUID
    assert 'RescaleType' not in header, 'a code that is none is left out'
    assert SECRET not in str(header)
    assert not set(GEOMETRY) & set(KEPT)


def test_mapped_uids_are_those_of_the_cleaned_images():
    source = planted(0)
    header = passed(source, Identity('mapped', KEY))
    cleaned = basic_profile_clean(source, KEY)
    for keyword in ('SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID'):
        assert header.get(keyword) == cleaned.get(keyword) != source.get(keyword)
    assert header.FrameOfReferenceUID == cleaned.FrameOfReferenceUID
    assert header.SOPClassUID == source.SOPClassUID
    assert header.ImagePositionPatient == source.ImagePositionPatient


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(('open',), 'kind must be one of', id='kind'),
        pytest.param(('mapped',), "goes with kind 'mapped'", id='no-key'),
        pytest.param(('removed', KEY), "goes with kind 'mapped'", id='needless-key'),
        pytest.param(('mapped', b'short'), 'at least 32 bytes', id='short-key'),
    ],
)
def test_kind_and_key_must_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Identity(*arguments)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'StudyInstanceUID': None}, 'has no StudyInstanceUID', id='missing'),
        pytest.param({'SeriesInstanceUID': '1.02.DOE'}, 'that is no UID', id='no-uid'),
    ],
)
@pytest.mark.filterwarnings('ignore')
def test_references_need_uids(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        passed(planted(0, **changes), Identity())
    assert 'DOE' not in str(caught.value)


def test_the_source_stays_as_it_is(series):
    before = series[0].read_bytes()
    source = dcmread(series[0])
    passed(source, Identity('mapped', KEY))
    assert source.PatientName == f'{SECRET}Patien'
    assert series[0].read_bytes() == before
