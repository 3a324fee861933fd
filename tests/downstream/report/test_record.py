import pytest

from mmdet_medglip.downstream.report import ReportReading, ReportRecord, SkippedReport


def record(report_id='r', **changes):
    fields = dict(
        image_ids=('a',), image_paths=(None,), findings='F.', impression='I.', patient_id='p'
    )
    return ReportRecord(report_id, **fields | changes)


@pytest.mark.parametrize(
    ('sections', 'text'),
    [
        pytest.param('findings', 'F.', id='findings'),
        pytest.param('impression', 'I.', id='impression'),
        pytest.param('both', 'F.\nI.', id='both'),
    ],
)
def test_text_of_sections(sections, text):
    assert record().text(sections) == text


def test_an_empty_section_leaves_no_blank_line():
    assert record(findings='').text('both') == 'I.'
    assert record(findings='').text('findings') == ''


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param(dict(report_id=' '), 'report_id must be', id='blank id'),
        pytest.param(dict(image_ids=(), image_paths=()), 'one image at least', id='no image'),
        pytest.param(dict(image_ids=('a', 'a')), 'all be different', id='image twice'),
        pytest.param(dict(image_ids=('a', 'b')), 'as many image_paths, got 1', id='paths'),
        pytest.param(dict(image_ids=(7,)), 'non-empty strings, got 7', id='number as id'),
        pytest.param(dict(findings=None), 'findings must be a string, got None', id='no text'),
    ],
)
def test_wrong_fields_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        record(**changes)


def test_other_sections_are_an_error():
    with pytest.raises(ValueError, match='findings, impression, both'):
        record().text('summary')


def test_what_is_left_out_is_counted_and_kept():
    reading = ReportReading(
        (record('1'), record('2', findings='', split='test')),
        (SkippedReport('0', 'no id'),),
        'here',
    )
    left = reading.with_text('findings')
    assert [one.report_id for one in left.records] == ['1']
    assert left.skipped == (SkippedReport('0', 'no id'), SkippedReport('2', 'no findings'))
    assert left.skipped_by_reason() == {'no id': 1, 'no findings': 1}
    assert [one.report_id for one in reading.of_splits(['test']).records] == ['2']
    assert reading.with_images().skipped_by_reason()['no image file'] == 2


def test_a_split_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="no report of the split 'val'; it has ''"):
        ReportReading((record(),), (), 'here').of_splits(['val'])
