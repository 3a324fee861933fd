import pytest
from PIL import Image

from mmdet_medglip.downstream.report.readers import read_openi_xml

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<eCitation>
  <meta type="rr"/>
  <uId id="CXR{number}"/>
  <MedlineCitation><Article><Abstract>
    <AbstractText Label="COMPARISON">None.</AbstractText>
    <AbstractText Label="FINDINGS">{findings}</AbstractText>
    <AbstractText Label="IMPRESSION">{impression}</AbstractText>
  </Abstract></Article></MedlineCitation>
  <parentImage id="CXR{number}_1_IM-0001-3001"><figureId>F1</figureId></parentImage>
  <parentImage id="CXR{number}_1_IM-0001-4001"><figureId>F2</figureId></parentImage>
</eCitation>
"""


def write(folder, number, findings='Clear  lungs.', impression='Normal.', text=REPORT):
    (folder / 'ecgen-radiology').mkdir(exist_ok=True)
    content = text.format(number=number, findings=findings, impression=impression)
    (folder / 'ecgen-radiology' / f'{number}.xml').write_text(content)


def test_reports_come_by_number_with_their_images(tmp_path):
    for number in (10, 2):
        write(tmp_path, number)
    images = tmp_path / 'png'
    images.mkdir()
    Image.new('L', (4, 4)).save(images / 'CXR2_1_IM-0001-4001.png')
    reading = read_openi_xml(tmp_path)
    assert [record.report_id for record in reading.records] == ['CXR2', 'CXR10']
    first = reading.records[0]
    assert (first.findings, first.impression) == ('Clear lungs.', 'Normal.')
    assert first.image_ids == ('CXR2_1_IM-0001-3001', 'CXR2_1_IM-0001-4001')
    assert first.patient_id == 'CXR2'
    reading = read_openi_xml(tmp_path, images)
    assert [record.image_ids for record in reading.records] == [('CXR2_1_IM-0001-4001',)]
    assert reading.skipped_by_reason() == {'image file is missing': 3, 'no image': 1}


BOMB = '<!DOCTYPE a [<!ENTITY b "c">]><eCitation>&b;</eCitation>'


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        pytest.param('<eCitation>', 'file cannot be read', id='torn'),
        pytest.param('<annotation/>', 'file cannot be read', id='another kind'),
        pytest.param(BOMB, 'file cannot be read', id='entities'),
        pytest.param('<eCitation/>', 'no id', id='no id'),
        pytest.param(REPORT.replace('{findings}', '').replace('{impression}', ''),
                     'no findings and no impression', id='no text'),
        pytest.param(REPORT.replace('parentImage', 'image'), 'no image', id='no image'),
        pytest.param('<eCitation>' + ' ' * (1 << 20) + '</eCitation>', 'file cannot be read',
                     id='too large'),
    ],
)  # fmt: skip
def test_faults_are_skipped_with_a_reason(tmp_path, text, reason):
    write(tmp_path, 1, text=text)
    write(tmp_path, 2)
    reading = read_openi_xml(tmp_path)
    assert [record.report_id for record in reading.records] == ['CXR2']
    assert reading.skipped_by_reason() == {reason: 1}


def test_a_folder_without_reports_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='has no XML file'):
        read_openi_xml(tmp_path)
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_openi_xml(tmp_path / 'none')
