import json

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream.context import SpatialContext
from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.report import ReportRecord
from mmdet_medglip.downstream.report.generated_report import GeneratedReport, read_generated
from mmdet_medglip.downstream.report.generation import QUESTION, generate_reports
from mmdet_medglip.downstream.vqa import RunOptions


@pytest.fixture
def records(tmp_path):
    """Five reports of two images of 40 x 30 pixels each."""
    found = []
    for number in range(5):
        paths = [tmp_path / f'{number}{view}.png' for view in 'ab']
        for path in paths:
            Image.fromarray(np.full((30, 40), 40 * number, np.uint8)).save(path)
        ids = tuple(path.stem for path in paths)
        found.append(ReportRecord(f'r{number}', ids, tuple(paths), '', '', ''))
    return found


@pytest.fixture
def regions(records, make_regions):
    return {
        f'set/{name}': make_regions(
            f'set/{name}', ('nodule', 0.5, [4, 3, 20, 15]), height=30, width=40
        )
        for record in records
        for name in record.image_ids
    }


def reports(path):
    return list(read_generated(read_log(path), str(path)).values())


def test_without_regions_a_model_gets_the_first_image_and_the_question(
    tmp_path, records, make_model
):
    model, out = make_model(), tmp_path / 'out.jsonl'
    summary = generate_reports(records, model, out, RunOptions(batch_size=2))
    assert (summary.asked, summary.resumed, summary.cached) == (5, 0, 0)
    assert [len(batch) for batch in model.batches] == [2, 2, 1]
    first = reports(out)[0]
    assert (first.report_id, first.image_ids) == ('r0', ('0a',))
    assert first.text == f'r0: {QUESTION}'
    assert (first.context, first.evidence, first.condition) == ('', {}, 'none')
    assert len(model.batches[0][0].pictures) == 1


def test_with_regions_of_two_images(tmp_path, records, regions, make_model):
    model, out = make_model(), tmp_path / 'out.jsonl'
    options = RunOptions(condition='predicted', context=SpatialContext(marks=True))
    generate_reports(records, model, out, options, regions, max_images=2, question='Write.')
    first = reports(out)[0]
    assert first.image_ids == ('0a', '0b')
    assert [one.label for one in first.evidence['0b']] == ['nodule']
    assert first.evidence['0b'][0].box == (4, 3, 20, 15)
    assert first.context.startswith('Image 1: ')
    assert '\nImage 2: ' in first.context
    given = model.batches[0][0]
    assert given.prompt == f'Write.\n{first.context}' or first.context in given.prompt
    assert given.regions.image_id == '0a'
    assert len(given.pictures) == 2
    assert given.pictures[0].min() != given.pictures[0].max()  # marks are drawn


@pytest.mark.parametrize('torn', [b'', b'{"report_id": "r2", "te'], ids=['killed', 'torn line'])
def test_a_killed_run_goes_on_and_writes_the_same(tmp_path, records, torn, make_model):
    whole, out = tmp_path / 'whole.jsonl', tmp_path / 'out.jsonl'
    options = RunOptions(batch_size=2)
    generate_reports(records, make_model(), whole, options)
    with pytest.raises(RuntimeError, match='out of memory'):
        generate_reports(records, make_model(fail_at=1), out, options)
    with out.open('ab') as file:
        file.write(torn)
    summary = generate_reports(records, make_model(), out, options)
    assert (summary.asked, summary.resumed) == (3, 2)
    assert out.read_bytes() == whole.read_bytes()


def test_the_cache_is_shared_between_runs(tmp_path, records, make_model):
    cache = tmp_path / 'cache.jsonl'
    generate_reports(records[:2], make_model(), tmp_path / 'a.jsonl', cache=cache)
    summary = generate_reports(records[:3], make_model(), tmp_path / 'b.jsonl', cache=cache)
    assert (summary.asked, summary.cached) == (1, 2)


def test_a_file_of_another_run_is_refused(tmp_path, records, regions, make_model):
    out = tmp_path / 'out.jsonl'
    generate_reports(records, make_model(), out)
    with pytest.raises(ValueError, match='line 1 is of another run: its report_id'):
        generate_reports(records[::-1], make_model(), out)
    with pytest.raises(ValueError, match='line 1 is of another run: its settings'):
        generate_reports(records, make_model(), out, question='Other?')
    with pytest.raises(ValueError, match='has 5 answers, but there are 2'):
        generate_reports(records[:2], make_model(), out)
    with pytest.raises(ValueError, match='line 1 is of another run: its context'):
        generate_reports(records, make_model(), out, RunOptions(condition='true'), regions)


def test_missing_images_and_made_pictures(tmp_path, records, make_model):
    gone = [ReportRecord('x', ('x1',), (tmp_path / 'none.png',), '', '', '')]
    with pytest.raises(FileNotFoundError, match=r"'x' has no image file.*--stand-in-images"):
        generate_reports(gone, make_model(), tmp_path / 'a.jsonl')
    out = tmp_path / 'b.jsonl'
    generate_reports([*records, *gone], make_model(), out, RunOptions(stand_in=True))
    assert [one.picture for one in reports(out)] == ['file'] * 5 + ['stand-in']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param(dict(records=[]), 'no report to write', id='none'),
        pytest.param(dict(twice=True), 'same report_id', id='twice'),
        pytest.param(dict(question=' '), 'question must not be empty', id='no question'),
        pytest.param(dict(max_images=0), 'max_images must be at least 1', id='no image'),
        pytest.param(dict(options=RunOptions('true')), "'true' needs regions", id='no regions'),
        pytest.param(
            dict(options=RunOptions('true', SpatialContext(max_crops=1)), regions={}, max_images=2),
            'max_images must be 1 with crops',
            id='crops of several images',
        ),
    ],
)
def test_what_does_not_fit(tmp_path, records, changes, message, make_model):
    records = [*records, *records] if changes.pop('twice', False) else records
    records = changes.pop('records', records)
    with pytest.raises(ValueError, match=message):
        generate_reports(records, make_model(), tmp_path / 'out.jsonl', **changes)
    assert not (tmp_path / 'out.jsonl').exists()


def test_an_image_of_another_size_than_its_regions(tmp_path, records, make_regions, make_model):
    regions = {'0a': make_regions('0a', height=31, width=40)}
    with pytest.raises(ValueError, match="Report 'r0': Image '0a' has 40 x 30 px"):
        generate_reports(
            records[:1], make_model(), tmp_path / 'out.jsonl', RunOptions('true'), regions
        )


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'text': 3}, "'text' of a report must be text", id='text'),
        pytest.param({'evidence': []}, 'no generated report', id='evidence'),
        pytest.param({'evidence': {'a': [{'label': 'x'}]}}, 'no generated report', id='no box'),
        pytest.param({'other': 1}, "unknown field 'other'", id='field'),
    ],
)
def test_a_damaged_line_is_named(tmp_path, records, change, message, make_model):
    out = tmp_path / 'out.jsonl'
    generate_reports(records[:1], make_model(), out)
    row = json.loads(out.read_text()) | change
    with pytest.raises(ValueError, match=message):
        GeneratedReport.from_line(row, 'here, line 1')


def test_files_without_reports_or_with_one_twice(tmp_path, records, make_model):
    out = tmp_path / 'out.jsonl'
    generate_reports(records[:1], make_model(), out)
    with pytest.raises(ValueError, match='a second time'):
        read_generated(read_log(out) * 2, 'here')
    with pytest.raises(ValueError, match='has no reports yet'):
        read_generated([], 'here')
