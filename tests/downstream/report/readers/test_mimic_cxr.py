import gzip

import pytest
from PIL import Image

from mmdet_medglip.downstream.report.readers import read_mimic_cxr
from mmdet_medglip.downstream.report.readers.mimic_sections import split_sections

TEXT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  History: ___F with cough  // r/o pneumonia: acute

 FINDINGS:

 There is no focal consolidation.  The cardiac
 silhouette is normal: unchanged.

 IMPRESSION:

 No acute process.
"""
SPLIT = """dicom_id,study_id,subject_id,split
d1,50414267,10000032,train
d2,50414267,10000032,train
d3,50000001,10000099,validate
"""
METADATA = """dicom_id,subject_id,study_id,ViewPosition
d1,10000032,50414267,PA
d2,10000032,50414267,LATERAL
"""


def make(folder, split=SPLIT, text=TEXT, images=('d1', 'd2')):
    place = folder / 'files' / 'p10' / 'p10000032'
    (place / 's50414267').mkdir(parents=True)
    (place / 's50414267.txt').write_text(text)
    (folder / 'mimic-cxr-2.0.0-split.csv').write_text(split)
    with gzip.open(folder / 'mimic-cxr-2.0.0-metadata.csv.gz', 'wt') as file:
        file.write(METADATA)
    for name in images:
        Image.new('L', (4, 4)).save(place / 's50414267' / f'{name}.jpg')
    return folder


def test_a_study_with_its_images(tmp_path):
    make(tmp_path)
    reading = read_mimic_cxr(tmp_path, tmp_path, tmp_path)
    (record,) = reading.records
    assert (record.report_id, record.patient_id, record.split) == (
        's50414267', 'p10000032', 'train',
    )  # fmt: skip
    assert record.findings == (
        'There is no focal consolidation. The cardiac silhouette is normal: unchanged.'
    )
    assert record.impression == 'No acute process.'
    assert record.image_ids == ('d1', 'd2')
    assert record.image_paths[0].name == 'd1.jpg'
    assert reading.skipped_by_reason() == {'report file is missing': 1}
    assert reading.skipped[0].report_id == 's50000001'


def test_views_from_the_compressed_metadata(tmp_path):
    reading = read_mimic_cxr(make(tmp_path), tmp_path, views=['pa'])
    assert reading.records[0].image_ids == ('d1',)
    assert reading.records[0].image_paths == (None,)
    assert reading.skipped_by_reason()['image of another view'] == 1


@pytest.mark.parametrize(
    ('changes', 'reasons'),
    [
        pytest.param(dict(images=('d1',)), {'image file is missing': 1}, id='one image'),
        pytest.param(dict(images=()), {'image file is missing': 2, 'no image': 1}, id='no image'),
        pytest.param(
            dict(text='FINAL REPORT\n Clear lungs.'),
            {'no findings and no impression': 1},
            id='no heading',
        ),
        pytest.param(
            dict(split=SPLIT + 'd4,50414267,10000032,test\n'),
            {'image contradicts its study': 1},
            id='two splits',
        ),
        pytest.param(
            dict(split=SPLIT + '../x,50414267,10000032,train\n'),
            {'row of the split table': 1},
            id='path as id',
        ),
        pytest.param(
            dict(split=SPLIT + 'd4,50414267,10000032,dev\n'),
            {'row of the split table': 1},
            id='unknown split',
        ),
        pytest.param(
            dict(split=SPLIT + 'd1,50414267,10000032,train\n'),
            {'image is there twice': 1},
            id='image twice',
        ),
    ],
)
def test_faults_are_skipped_with_a_reason(tmp_path, changes, reasons):
    make(tmp_path, **changes)
    found = read_mimic_cxr(tmp_path, tmp_path, tmp_path).skipped_by_reason()
    assert found == reasons | {'report file is missing': 1}


@pytest.mark.parametrize(
    ('split', 'message'),
    [
        pytest.param('dicom_id,study_id,split\n', "needs the column 'subject_id'", id='column'),
        pytest.param('dicom_id\n"x', 'is not csv', id='quote'),
        pytest.param('', "needs the column 'dicom_id'", id='empty'),
    ],
)
def test_broken_tables_are_an_error(tmp_path, split, message):
    make(tmp_path, split=split)
    if message == 'is not csv':
        text = SPLIT + '"x'
        (tmp_path / 'mimic-cxr-2.0.0-split.csv').write_text(text)
    with pytest.raises(ValueError, match=message):
        read_mimic_cxr(tmp_path, tmp_path)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'neither mimic-cxr-2\.0\.0-split\.csv nor'):
        read_mimic_cxr(tmp_path, tmp_path)
    (tmp_path / 'mimic-cxr-2.0.0-split.csv.gz').write_bytes(gzip.compress(SPLIT.encode())[:-9])
    with pytest.raises(ValueError, match='is damaged'):
        read_mimic_cxr(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match='Folder'):
        read_mimic_cxr(tmp_path / 'none', tmp_path)


@pytest.mark.parametrize(
    ('text', 'findings', 'impression'),
    [
        pytest.param('FINDINGS: a\nb\nIMPRESSION: c', 'a b', 'c', id='both'),
        pytest.param('FINDINGS AND IMPRESSION: a', 'a', '', id='joined heading'),
        pytest.param('IMPRESSION: a\nFINDINGS: b\nIMPRESSION: c', 'b', 'a c', id='twice'),
        pytest.param('CONCLUSION: a', '', 'a', id='conclusion'),
        pytest.param('Findings: a', '', '', id='not in capitals'),
        pytest.param('INDICATION: a\nFINDINGS:', '', '', id='nothing below'),
        pytest.param('', '', '', id='empty'),
        pytest.param(
            'FINDINGS: PA and lateral\nviews at 10:30: clear. RIGHT: fine',
            'PA and lateral views at 10:30: clear. RIGHT: fine', '', id='colons within',
        ),
    ],
)  # fmt: skip
def test_sections(text, findings, impression):
    sections = split_sections(text)
    assert (sections.findings, sections.impression) == (findings, impression)
