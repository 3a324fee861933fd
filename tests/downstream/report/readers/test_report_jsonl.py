import json

import pytest
from PIL import Image

from mmdet_medglip.downstream.report import ReportRecord
from mmdet_medglip.downstream.report.readers import read_report_jsonl, write_report_jsonl

GOOD = dict(report_id='1', image_ids=['a'], findings='Clear lungs.')


def write(folder, *lines):
    path = folder / 'reports.jsonl'
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text('\n'.join(text) + '\n')
    return path


def test_what_is_written_is_read(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.new('L', (4, 4)).save(tmp_path / 'images' / 'a.png')
    records = (
        ReportRecord('1', ('a', 'b'), (tmp_path / 'images' / 'a.png', None), 'é', '', 'p', 'test'),
        ReportRecord('2', ('c',), (None,), '', '', ''),
    )
    path = tmp_path / 'reports.jsonl'
    write_report_jsonl(path, records)
    reading = read_report_jsonl(path)
    assert reading.records == records
    assert reading.skipped == ()


def test_only_needed_keys(tmp_path):
    (record,) = read_report_jsonl(write(tmp_path, GOOD, '')).records
    assert record == ReportRecord('1', ('a',), (None,), 'Clear lungs.', '', '')


@pytest.mark.parametrize(
    ('line', 'reason', 'detail'),
    [
        pytest.param('{"report_id": "2", ', 'line is no report', 'not JSON', id='torn'),
        pytest.param('[' * 100_000, 'line is no report', 'not JSON', id='deep'),
        pytest.param('[1]', 'line is no report', 'expected an object', id='list'),
        pytest.param({'report_id': '2'}, 'line is no report', "lacks 'image_ids'", id='no ids'),
        pytest.param(GOOD | {'text': ''}, 'line is no report', "the key 'text'", id='other key'),
        pytest.param(GOOD | {'image_ids': 'a'}, 'line is no report', 'list of names', id='string'),
        pytest.param(GOOD | {'report_id': 2}, 'line is no report', 'report_id must', id='number'),
        pytest.param(
            GOOD | {'image_paths': ['a.png', 'b.png']}, 'line is no report', 'as many', id='paths'
        ),
        pytest.param(GOOD | {'findings': 3}, 'line is no report', 'findings must', id='text'),
        pytest.param(GOOD, 'id is there twice', 'line 2', id='twice'),
        pytest.param(
            GOOD | {'report_id': '2', 'image_paths': ['../a.png']},
            'image outside its folder', '..', id='leaves the folder',
        ),
        pytest.param(
            GOOD | {'report_id': '2', 'image_paths': ['a.png']},
            'image file is missing', 'a.png', id='no file',
        ),
    ],
)  # fmt: skip
def test_faults_are_skipped_with_a_reason(tmp_path, line, reason, detail):
    reading = read_report_jsonl(write(tmp_path, GOOD, line))
    assert [record.report_id for record in reading.records] == ['1']
    assert reading.skipped[0].reason == reason
    assert detail in reading.skipped[0].detail
    if reason.startswith('image'):
        assert reading.skipped_by_reason()['no image'] == 1


def test_a_line_beyond_the_limit_is_one_fault(tmp_path):
    long = json.dumps(GOOD | {'findings': 'x' * 9_000_000})
    reading = read_report_jsonl(write(tmp_path, long, GOOD))
    assert [record.report_id for record in reading.records] == ['1']
    assert [one.report_id for one in reading.skipped] == ['line 1']


def test_no_file_and_images_elsewhere(tmp_path):
    with pytest.raises(FileNotFoundError, match='File of reports'):
        read_report_jsonl(tmp_path / 'none.jsonl')
    path = tmp_path / 'r.jsonl'
    outside = ReportRecord('1', ('a',), (tmp_path.parent / 'a.png',), '', '', '')
    with pytest.raises(ValueError, match='lies outside'):
        write_report_jsonl(path, [outside])
    assert not path.exists()
