import pytest
from PIL import Image

from mmdet_medglip.downstream.report.readers import read_openi_csv


def write(folder, reports, projections):
    head = 'uid,MeSH,Problems,image,indication,comparison,findings,impression\n'
    (folder / 'indiana_reports.csv').write_text(head + reports)
    (folder / 'indiana_projections.csv').write_text('uid,filename,projection\n' + projections)
    return folder


ONE = '1,m,p,i,in,c,"Clear, both\n lungs.",Normal.\n'
IMAGES = '1,1_a.dcm.png,Frontal\n1,1_b.dcm.png,Lateral\n'


def test_a_report_with_its_images(tmp_path):
    reading = read_openi_csv(write(tmp_path, ONE, IMAGES))
    (record,) = reading.records
    assert (record.report_id, record.patient_id) == ('1', '1')
    assert record.image_ids == ('1_a.dcm', '1_b.dcm')
    assert record.image_paths == (None, None)
    assert record.findings == 'Clear, both lungs.'
    assert record.impression == 'Normal.'
    assert reading.skipped == ()


def test_views_and_missing_files_are_counted(tmp_path):
    write(tmp_path, ONE, IMAGES)
    images = tmp_path / 'images'
    images.mkdir()
    Image.new('L', (4, 4)).save(images / '1_a.dcm.png')
    reading = read_openi_csv(tmp_path, images)
    assert reading.records[0].image_paths == (images / '1_a.dcm.png',)
    assert reading.skipped_by_reason() == {'image file is missing': 1}
    reading = read_openi_csv(tmp_path, images, views=['lateral'])
    assert reading.records == ()
    assert reading.skipped_by_reason() == {
        'image of another view': 1,
        'image file is missing': 1,
        'no image': 1,
    }


@pytest.mark.parametrize(
    ('reports', 'projections', 'reason'),
    [
        pytest.param('1,,,,,,,\n', IMAGES, 'no findings and no impression', id='no text'),
        pytest.param(ONE + ONE, IMAGES, 'id is there twice', id='twice'),
        pytest.param(',,,,,,F,I\n' + ONE, IMAGES, 'no id', id='no id'),
        pytest.param(ONE, '', 'no image', id='no image'),
        pytest.param(ONE, IMAGES + IMAGES, 'image is there twice', id='image twice'),
        pytest.param(ONE, IMAGES + '1,,Frontal\n', 'image without file name', id='no name'),
    ],
)
def test_faults_are_skipped_with_a_reason(tmp_path, reports, projections, reason):
    assert reason in read_openi_csv(write(tmp_path, reports, projections)).skipped_by_reason()


def test_a_name_cannot_leave_the_folder(tmp_path):
    write(tmp_path, ONE, '1,../secret.png,Frontal\n')
    (tmp_path / 'secret.png').write_bytes(b'x')
    images = tmp_path / 'images'
    images.mkdir()
    reading = read_openi_csv(tmp_path, images)
    assert reading.skipped_by_reason() == {'image outside its folder': 1, 'no image': 1}


def test_files_that_are_not_there_or_of_another_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'indiana_projections\.csv does not exist'):
        read_openi_csv(tmp_path)
    write(tmp_path, ONE, IMAGES)
    with pytest.raises(FileNotFoundError, match='Folder of images'):
        read_openi_csv(tmp_path, tmp_path / 'none')
    (tmp_path / 'indiana_reports.csv').write_text('uid,findings\n1,F\n')
    with pytest.raises(ValueError, match="column 'impression' not"):
        read_openi_csv(tmp_path)


def test_the_real_reports(real_data_root):
    folder = real_data_root / 'reports' / 'iu_xray_openi'
    if not folder.is_dir():
        pytest.skip(f'no reports at {folder}')
    reading = read_openi_csv(folder)
    assert len(reading.records) == 3826
    assert reading.skipped_by_reason() == {'no findings and no impression': 25}
    assert sum(len(record.image_ids) for record in reading.records) == 7426
    assert reading.records[0].impression == 'Normal chest x-XXXX.'
    assert len(reading.with_text('findings').records) == 3337
