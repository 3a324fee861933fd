import os

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.apis import Failure
from mmdet_medglip.apis.inputs import find_items, list_inputs
from tests.ingest import dicom_files


def found(*inputs):
    return list(find_items(list(inputs)))


def kinds(*inputs):
    return [(item.kind, item.name.rpartition('/')[2]) for item in found(*inputs)]


def test_one_input_or_a_list():
    array = np.zeros((2, 2), np.uint8)
    assert list_inputs('a.png') == ['a.png']
    assert list_inputs(('a', 'b')) == ['a', 'b']
    assert list_inputs(array)[0] is array
    with pytest.raises(ValueError, match='list of inputs is empty'):
        list_inputs([])


def test_files_by_name_and_content(make_picture, tmp_path):
    dicom = dicom_files.save(tmp_path / 'no_suffix', dicom_files.ct_slice(0))
    named_png = dicom_files.save(tmp_path / 'wrong.png', dicom_files.ct_slice(0))
    volume = tmp_path / 'ct.nii.gz'
    volume.touch()
    assert kinds(make_picture('a'), dicom, named_png, volume) == [
        ('image', 'a.png'),
        ('dicom', 'no_suffix'),
        ('dicom', 'wrong.png'),
        ('volume', 'ct.nii.gz'),
    ]


def test_memory():
    items = found(np.zeros((2, 2)), b'abc', Image.new('L', (2, 2)))
    assert [(item.kind, item.name) for item in items] == [
        ('array', 'array 0'),
        ('bytes', 'bytes 1'),
        ('array', 'array 2'),
    ]
    assert [item.input_index for item in items] == [0, 1, 2]


def test_a_folder_gives_images_by_name_then_series_by_position(make_picture, tmp_path):
    root = tmp_path / 'root'
    make_picture('b', folder=root)
    make_picture('a', folder=root / 'sub')
    dicom_files.write_series(root / 'series', 3)
    (root / 'notes.txt').write_text('no image')
    (root / '.hidden.png').write_text('no image')
    items = found(root)
    assert [getattr(item, 'kind', item.__class__.__name__) for item in items] == [
        'image',
        'Failure',
        'series',
        'image',
    ]
    series = items[2]
    assert [path.rpartition('/')[2] for path in series.paths] == ['03.dcm', '02.dcm', '01.dcm']
    assert items[1].stage == 'skip'
    assert 'notes.txt is no image' in items[1].reason


def test_a_pattern_finds_files_at_any_depth(make_picture, tmp_path):
    make_picture('a', folder=tmp_path / 'x' / 'y')
    make_picture('b', folder=tmp_path / 'x')
    assert kinds(tmp_path / 'x' / '**' / '*.png') == [('image', 'b.png'), ('image', 'a.png')]


def test_images_of_a_series_at_one_position_stand_alone(tmp_path):
    for number in range(2):
        one = dicom_files.ct_slice(0)
        one.SOPInstanceUID = f'2.25.9{number}'
        dicom_files.save(tmp_path / f'{number}.dcm', one)
    assert kinds(tmp_path) == [('dicom', '0.dcm'), ('dicom', '1.dcm')]


def test_annotations_and_copies_are_skipped(tmp_path):
    dicom_files.write_series(tmp_path, 2)
    dicom_files.save(tmp_path / 'copy.dcm', dicom_files.ct_slice(0))
    frames = [(1, 0, np.ones((6, 8), np.uint8))]
    dicom_files.write_seg(tmp_path / 'seg.dcm', frames, {1: 'Liver'})
    items = found(tmp_path)
    skipped = [item for item in items if isinstance(item, Failure)]
    assert {item.stage for item in skipped} == {'skip'}
    assert sorted(item.reason.rpartition('/')[2] for item in skipped) == [
        'copy.dcm: image is there twice (same SOP instance UID).',
        'seg.dcm is DICOM without an image (seg).',
    ]
    assert [item.kind for item in items if not isinstance(item, Failure)] == ['series']


def test_a_link_out_of_a_folder_is_refused(make_picture, tmp_path):
    outside = make_picture('outside')
    root = tmp_path / 'root'
    make_picture('inside', folder=root)
    (root / 'link.png').symlink_to(outside)
    failure, item = found(root)
    assert 'link' in failure.reason
    assert item.name.endswith('inside.png')


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        pytest.param('no.png', 'no.png does not exist', id='missing'),
        pytest.param('no*.png', 'No image fits the pattern', id='pattern'),
        pytest.param('', 'Input 0 is an empty path; name a file', id='empty'),
        pytest.param('~nobody-here/x.png', 'a user who has no home', id='home'),
        pytest.param('x' * 300, 'cannot be read (File name too long)', id='long'),
        pytest.param('/dev/null', '/dev/null is neither a file nor a folder', id='device'),
        pytest.param('https://a.org/x.png', 'is an address; download', id='address'),
        pytest.param(3, 'Input 0 is a int', id='kind'),
    ],
)
def test_bad_inputs_are_failures(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (failure,) = found(given)
    assert isinstance(failure, Failure)
    assert message in failure.reason


def test_an_empty_folder_is_a_failure(tmp_path):
    (failure,) = found(tmp_path)
    assert 'No image lies in the folder' in failure.reason


def test_folders_that_a_pattern_fits_are_walked_behind_its_files(make_picture, tmp_path):
    make_picture('a', folder=tmp_path / 'in' / 'first')
    make_picture('b', folder=tmp_path / 'in' / 'second' / 'deep')
    make_picture('c', folder=tmp_path / 'in')
    expected = [('image', 'c.png'), ('image', 'a.png'), ('image', 'b.png')]
    assert kinds(tmp_path / 'in' / '*') == expected
    assert kinds(tmp_path / 'in' / '**' / '*') == expected
    assert kinds(tmp_path / 'i*' / '**') == expected


def test_what_a_pattern_fits_and_is_no_image_is_told(tmp_path):
    (tmp_path / 'in' / 'empty').mkdir(parents=True)
    (tmp_path / 'in' / 'gone.png').symlink_to(tmp_path / 'nothing.png')
    told = [failure.reason for failure in found(tmp_path / 'in' / '*')]
    assert len(told) == 3
    assert 'No image lies in the folder' in told[0]
    assert 'gone.png is a link to nothing' in told[1]
    assert 'No image fits the pattern' in told[2]


def test_an_output_folder_is_passed_over(make_picture, tmp_path):
    make_picture('a', folder=tmp_path / 'in')
    make_picture('b', folder=tmp_path / 'in' / 'found' / 'pictures')
    out = tmp_path / 'in' / 'found'

    def names(given):
        return [item.name.rpartition('/')[2] for item in find_items([str(given)], [out])]

    assert names(tmp_path / 'in') == ['a.png']
    assert names(tmp_path / 'in' / '**' / '*') == ['a.png']
    assert names(tmp_path / '*') == ['a.png']
    # What is named itself is looked at.
    assert names(out) == names(out / '*') == names(out / 'pictures' / 'b.png') == ['b.png']


def test_linked_folders_are_told_and_not_followed(make_picture, tmp_path):
    make_picture('a', folder=tmp_path / 'elsewhere')
    make_picture('b', folder=tmp_path / 'in' / 'sub')
    (tmp_path / 'in' / 'out').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'in' / 'same').symlink_to(tmp_path / 'in' / 'sub')
    away, same, item = found(tmp_path / 'in')
    assert away.stage == 'find'
    assert 'in/out is a link to a folder, which is not followed' in away.reason
    assert same.stage == 'skip'
    assert 'in/same is a link' in same.reason
    assert item.name.endswith('b.png')


@pytest.mark.parametrize('pattern', ['.', '**/*.png', '*/*.png', '**', '[kl]*', '**/locked/*'])
def test_a_folder_that_cannot_be_listed_is_a_failure(make_picture, tmp_path, monkeypatch, pattern):
    (tmp_path / 'k').mkdir()
    make_picture('a', folder=tmp_path / 'k')
    locked = tmp_path / 'locked'
    locked.mkdir()
    scan = os.scandir

    def refuse(path):
        if os.fspath(path) == str(locked):
            raise PermissionError(13, 'Permission denied', str(locked))
        return scan(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    told = found(tmp_path / pattern)
    items = [one.name[-7:] for one in told if not isinstance(one, Failure)]
    assert items == ([] if 'locked' in pattern else ['k/a.png'])
    failure, *_ = (one for one in told if isinstance(one, Failure))
    assert failure.stage == 'find'
    assert 'locked cannot be read (Permission denied)' in failure.reason


def test_a_file_that_may_not_be_looked_at_does_not_end_the_search(
    make_picture, tmp_path, monkeypatch
):
    look = os.stat

    def refuse(path, **options):
        if str(path) == 'locked/a.png':
            raise PermissionError(13, 'Permission denied')
        return look(path, **options)

    monkeypatch.setattr(os, 'stat', refuse)
    failure, item = found('locked/a.png', make_picture('b'))
    assert 'locked/a.png cannot be read (Permission denied)' in failure.reason
    assert item.name.endswith('b.png')
