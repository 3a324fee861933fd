import dataclasses
import json

import numpy as np
import pytest

from mmdet_medglip.downstream.context import SpatialContext
from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.vqa import RunOptions, answer_questions, stand_in_picture


@pytest.fixture
def regions(make_regions):
    return {
        f'image{number}': make_regions(
            f'image{number}', ('left kidney', 0.5, (4, 3, 20, 15)), height=30, width=40
        )
        for number in range(3)
    }


PREDICTED = RunOptions('predicted', SpatialContext('pixel'), 'In one word.', batch_size=4)
CONTEXT = (
    'Regions found in the image, as [x1, y1, x2, y2] in pixels (40 x 30), score:\n'
    'left kidney at [4, 3, 20, 15], 0.50'
)


def test_answers_are_stored_with_their_evidence(tmp_path, make_records, make_model, regions):
    model = make_model()
    summary = answer_questions(make_records(), model, tmp_path / 'a.jsonl', PREDICTED, regions)
    assert (summary.asked, summary.resumed, summary.cached) == (6, 0, 0)
    assert [len(batch) for batch in model.batches] == [4, 2]
    rows = read_log(tmp_path / 'a.jsonl')
    assert [row['question_id'] for row in rows] == [f'q{number}' for number in range(6)]
    prompt = f'{CONTEXT}\nwhat is organ number 1?\nIn one word.'
    assert rows[1] == {
        'question_id': 'q1',
        'image_id': 'image0',
        'answer': f'q1: {prompt}',
        'context': CONTEXT,
        'evidence': [{'label': 'left kidney', 'box': [4.0, 3.0, 20.0, 15.0], 'score': 0.5}],
        'model': 'echo',
        'condition': 'predicted',
        'settings': PREDICTED.digest(model),
        'picture': 'file',
    }


def test_without_context_a_model_sees_the_image_and_the_question(
    tmp_path, make_records, make_model
):
    model = make_model()
    answer_questions(make_records(2), model, tmp_path / 'a.jsonl')
    ((first, _),) = model.batches
    assert first.prompt == first.question == 'is it normal?'
    assert first.regions is None
    assert [picture.shape for picture in first.pictures] == [(30, 40, 3)]
    row = read_log(tmp_path / 'a.jsonl')[0]
    assert (row['context'], row['evidence'], row['condition']) == ('', [], 'none')


@pytest.mark.parametrize('torn', [0, 1, 40], ids=['whole', 'newline', 'line'])
def test_a_run_that_failed_goes_on_and_writes_the_same(
    tmp_path, make_records, make_model, regions, torn
):
    records, options = make_records(), dataclasses.replace(PREDICTED, batch_size=2)
    answer_questions(records, make_model(), tmp_path / 'whole.jsonl', options, regions)
    path = tmp_path / 'a.jsonl'
    with pytest.raises(RuntimeError, match='out of memory'):
        answer_questions(records, make_model(fail_at=2), path, options, regions)
    assert len(read_log(path)) == 4
    path.write_bytes(path.read_bytes()[: -torn or None])
    model = make_model()
    summary = answer_questions(records, model, path, options, regions)
    # A torn line takes its whole batch with it, so that batches are those of a whole run; one that
    # lacks its newline alone is whole.
    asked = 4 if torn > 1 else 2
    assert (summary.asked, summary.resumed) == (asked, 6 - asked)
    assert [len(batch) for batch in model.batches] == [2] * (asked // 2)
    assert path.read_bytes() == (tmp_path / 'whole.jsonl').read_bytes()


def test_a_finished_run_asks_nothing(tmp_path, make_records, make_model):
    answer_questions(make_records(5), make_model(), tmp_path / 'a.jsonl')
    model = make_model()
    summary = answer_questions(make_records(5), model, tmp_path / 'a.jsonl')
    assert (summary.asked, summary.resumed, model.batches) == (0, 5, [])


def test_a_file_of_another_run_is_refused(tmp_path, make_records, make_model, regions):
    records, path = make_records(4), tmp_path / 'a.jsonl'
    answer_questions(records, make_model(), path, PREDICTED, regions)
    before = path.read_bytes()
    moved = {name: dataclasses.replace(one, scores=[0.25]) for name, one in regions.items()}
    other_model = make_model()
    other_model.fingerprint = '2'
    for model, options, found, which in (
        (other_model, PREDICTED, regions, 'settings'),
        (make_model(), dataclasses.replace(PREDICTED, instruction=''), regions, 'settings'),
        (make_model(), PREDICTED, moved, 'context'),
        (make_model(), RunOptions(), None, 'condition'),
    ):
        with pytest.raises(ValueError, match=f'line 1 is of another run: its {which} is'):
            answer_questions(records, model, path, options, found)
    with pytest.raises(ValueError, match='line 1 is of another run: its question_id'):
        answer_questions(records[::-1], make_model(), path, PREDICTED, regions)
    with pytest.raises(ValueError, match='has 4 answers, but there are 2 questions'):
        answer_questions(records[:2], make_model(), path, PREDICTED, regions)
    assert path.read_bytes() == before


def test_the_cache_answers_equal_inputs_only(tmp_path, make_records, make_model, regions):
    records, cache = make_records(), tmp_path / 'cache.jsonl'
    answer_questions(records, make_model(), tmp_path / 'a.jsonl', PREDICTED, regions, cache=cache)
    model = make_model()
    other = {**regions, 'image1': regions['image1'].take([])}
    summary = answer_questions(records, model, tmp_path / 'b.jsonl', PREDICTED, other, cache=cache)
    assert (summary.asked, summary.cached) == (2, 4)
    assert [one.question_id for batch in model.batches for one in batch] == ['q2', 'q3']
    changed = make_model()
    changed.fingerprint = '2'
    summary = answer_questions(
        records, changed, tmp_path / 'c.jsonl', PREDICTED, regions, cache=cache
    )
    assert summary.cached == 0


def test_a_damaged_cache_is_an_error(tmp_path, make_records, make_model):
    cache = tmp_path / 'cache.jsonl'
    cache.write_text('{"answer": "yes"}\n')
    with pytest.raises(ValueError, match='line 1 has no key and answer'):
        answer_questions(make_records(2), make_model(), tmp_path / 'a.jsonl', cache=cache)


def test_missing_images(tmp_path, make_records, make_model):
    records = make_records(4)
    records[2].image_path.unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of 4 questions have no image.*'q2'.*image1"):
        answer_questions(records, make_model(), tmp_path / 'a.jsonl')
    assert not (tmp_path / 'a.jsonl').exists()


def test_made_pictures_are_marked(tmp_path, make_records, make_model, regions):
    model = make_model()
    options = dataclasses.replace(PREDICTED, stand_in=True)
    answer_questions(make_records(4, images=False), model, tmp_path / 'a.jsonl', options, regions)
    assert {row['picture'] for row in read_log(tmp_path / 'a.jsonl')} == {'stand-in'}
    first, _, third, _ = model.batches[0]
    assert first.pictures[0].shape == (30, 40, 3)
    assert (first.pictures[0] != third.pictures[0]).any()


def test_a_made_picture_depends_on_its_name_only():
    one = stand_in_picture('a')
    assert one.shape == (224, 224, 3)
    np.testing.assert_array_equal(one, stand_in_picture('a'))
    assert (one != stand_in_picture('b')).any()


def test_an_image_of_another_size_than_its_regions(tmp_path, make_records, make_model, regions):
    wrong = {name: one.scaled_to(name, 60, 80) for name, one in regions.items()}
    with pytest.raises(ValueError, match="Question 'q0': Image 'image0' has 40 x 30 px"):
        answer_questions(make_records(), make_model(), tmp_path / 'a.jsonl', PREDICTED, wrong)


@pytest.mark.parametrize(
    ('options', 'with_regions', 'message'),
    [
        pytest.param(PREDICTED, False, "'predicted' needs regions", id='no_regions'),
        pytest.param(RunOptions(), True, "'none' takes no regions", id='regions_for_none'),
    ],
)
def test_condition_and_regions_fit(
    tmp_path, make_records, make_model, regions, options, with_regions, message
):
    given = regions if with_regions else None
    with pytest.raises(ValueError, match=message):
        answer_questions(make_records(), make_model(), tmp_path / 'a.jsonl', options, given)


def test_refuses_questions(tmp_path, make_records, make_model, regions):
    with pytest.raises(ValueError, match='no question to ask'):
        answer_questions([], make_model(), tmp_path / 'a.jsonl')
    with pytest.raises(ValueError, match='the same question_id'):
        answer_questions(make_records(2) * 2, make_model(), tmp_path / 'a.jsonl')
    del regions['image2']
    with pytest.raises(ValueError, match=r"1 images have no entry in the regions.*'image2'"):
        answer_questions(make_records(), make_model(), tmp_path / 'a.jsonl', PREDICTED, regions)


def test_a_model_that_gives_too_few_answers(tmp_path, make_records, make_model):
    model = make_model()
    model.answer = lambda inputs: ['yes']
    with pytest.raises(ValueError, match='echo gave 1 answers to 2 questions'):
        answer_questions(make_records(2), model, tmp_path / 'a.jsonl')
    assert read_log(tmp_path / 'a.jsonl') == []


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'answer': 3}, "'answer' of an answer must be text, got int 3", id='type'),
        pytest.param({'evidence': [{'box': [1]}]}, 'is no answer', id='evidence'),
        pytest.param({'colour': 'red'}, "unknown field 'colour'", id='unknown'),
        pytest.param({'model': None}, "'model' of an answer must be text", id='null'),
    ],
)
def test_a_damaged_answer_is_named(tmp_path, make_records, make_model, change, message):
    path = tmp_path / 'a.jsonl'
    answer_questions(make_records(2), make_model(), path)
    rows = read_log(path)
    rows[1] |= change
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    with pytest.raises(ValueError, match=f'line 2.*{message}'):
        answer_questions(make_records(2), make_model(), path)


@pytest.mark.parametrize(
    'options', [{'batch_size': 0}, {'condition': ''}], ids=['batch_size', 'condition']
)
def test_options_are_checked(options):
    with pytest.raises(ValueError, match='must'):
        RunOptions(**options)
