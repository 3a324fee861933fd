import pytest

from mmdet_medglip.browser import RefusalError
from mmdet_medglip.browser.upload_kind import check_upload, shown_name
from tests.browser.conftest import nifti, png, put

DICOM = bytes(128) + b'DICM' + bytes(100)


@pytest.mark.parametrize(
    ('name', 'head', 'end'),
    [
        pytest.param('a.PNG', png(), '.png', id='png, large letters'),
        pytest.param('a.nii', nifti(), '.nii', id='nifti'),
        pytest.param('a.nii.gz', b'\x1f\x8b\x08', '.nii.gz', id='packed nifti'),
        pytest.param('IM0001', DICOM, '.dcm', id='dicom without ending'),
        pytest.param('1.2.840.png', DICOM, '.dcm', id='dicom with the end of another kind'),
        pytest.param('a.mha', b'ObjectType = Image', '.mha', id='metaimage'),
    ],
)
def test_kinds_that_are_taken(name, head, end):
    assert check_upload(name, head[:512]) == end


@pytest.mark.parametrize(
    ('name', 'head', 'message', 'status'),
    [
        pytest.param('a.exe', b'MZ', 'of no kind that is read', 415, id='a program'),
        pytest.param('a.svg', b'<svg>', 'of no kind', 415, id='a drawing that may hold script'),
        pytest.param('a.zip', b'PK', 'of no kind', 415, id='an archive'),
        pytest.param('a.png', b'<html>', 'no .png file by its content', 415, id='a page as png'),
        pytest.param('a.dcm', bytes(200), 'of no kind', 415, id='dicom without its mark'),
        pytest.param('a.nii', bytes(400), 'no NIfTI', 415, id='nifti without its mark'),
        pytest.param('a.mhd', b'ObjectType', 'second file', 415, id='a header of two files'),
        pytest.param('a.nii.gz', b'n+1', 'no .nii.gz file', 415, id='nifti that is not packed'),
        pytest.param('a.png', b'', 'is empty', 400, id='nothing'),
    ],
)
def test_kinds_that_are_refused(name, head, message, status):
    with pytest.raises(RefusalError, match=message) as refused:
        check_upload(name, head)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ('name', 'shown'),
    [
        pytest.param('../../etc/passwd', 'passwd', id='folders above'),
        pytest.param('C:\\scans\\a.png', 'a.png', id='folders of Windows'),
        pytest.param('a\x00b\nc\u202e.png', 'a b c .png', id='signs that are not seen'),
        pytest.param('', 'file', id='no name'),
        pytest.param('/', 'file', id='only a slash'),
        pytest.param('x' * 500 + '.nii.gz', 'x' * 96 + '…' + 'x' * 16 + '.nii.gz', id='long'),
    ],
)
def test_names_that_are_shown(name, shown):
    assert shown_name(name) == shown


def test_names_of_files_do_not_reach_the_disk(service):
    token = service.begin()['session']
    put(service, token, ('../../../Mary Miller.png', png()), ('b.png', png()))
    folder = service.sessions.get(token).study.folder
    assert sorted(path.name for path in folder.iterdir()) == ['0000.png', '0001.png']
    outside = [p for p in service.sessions.folder.parent.rglob('*') if 'Mary' in p.name]
    assert outside == []


def test_a_file_above_the_limit_is_refused_by_its_size_and_by_what_comes(make_service):
    service = make_service(upload_bytes=5000)
    token = service.begin()['session']
    service.begin_upload(token)
    with pytest.raises(RefusalError, match=r'too large: a study has at most 0\.005 MB') as refused:
        service.receive(token, 'a.png', 5001)
    assert refused.value.status == 413
    with (
        pytest.raises(RefusalError, match='too large'),
        service.receive(token, 'a.png') as upload,
    ):
        for _ in range(6):
            upload.write(b'\x89PNG\r\n\x1a\n' + bytes(992))
    assert list(service.sessions.get(token).study.folder.iterdir()) == []


def test_files_of_a_study_share_the_limit(make_service):
    content = png()
    service = make_service(upload_bytes=2 * len(content) - 1)
    token = service.begin()['session']
    put(service, token, ('a.png', content))
    with pytest.raises(RefusalError, match=r'b\.png is too large'):
        service.receive(token, 'b.png', len(content))
    put(service, token, ('b.png', content))  # A new study begins from nothing.


def test_too_many_files_are_refused(make_service):
    service = make_service(files=1)
    token = service.begin()['session']
    with pytest.raises(RefusalError, match='at most 1 files'):
        put(service, token, ('a.png', png()), ('b.png', png()))


def test_a_file_that_breaks_off_is_not_kept(service):
    token = service.begin()['session']
    service.begin_upload(token)
    with (
        pytest.raises(RefusalError, match='did not arrive whole'),
        service.receive(token, 'a.png', 999) as upload,
    ):
        upload.write(png()[:100])
        upload.finish()
    assert list(service.sessions.get(token).study.folder.iterdir()) == []


def test_an_upload_that_another_one_overtakes_is_dropped(service):
    token = service.begin()['session']
    service.begin_upload(token)
    with (
        pytest.raises(RefusalError, match='Another upload has begun'),
        service.receive(token, 'a.png') as upload,
    ):
        upload.write(png())
        service.begin_upload(token)
        upload.finish()
    assert list(service.sessions.get(token).study.folder.iterdir()) == []


def test_an_upload_must_begin(service):
    with pytest.raises(RefusalError, match='Begin an upload'):
        service.receive(service.begin()['session'], 'a.png')
