"""Files of questions and reports, whole and damaged."""

import json

import pytest

from mmdet_medglip.downstream.task_text import REPORT_REQUEST, read_task_texts

QUESTION = {
    'question_id': 'q1', 'image_id': 'a', 'image_path': None, 'question': 'Is it?',
    'answer': 'yes', 'answer_type': 'closed', 'patient_id': 'p1',
}  # fmt: skip
REPORT = {
    'report_id': 'r1', 'image_ids': ['a', 'b'], 'image_paths': [None, None],
    'findings': 'No lesion.', 'impression': '', 'patient_id': 'p1',
}  # fmt: skip


def write(path, *lines):
    path.write_text('\n'.join(x if isinstance(x, str) else json.dumps(x) for x in lines) + '\n')
    return path


def test_a_question(tmp_path):
    (text,) = read_task_texts(write(tmp_path / 'q.jsonl', QUESTION), 'vqa')
    assert (text.text_id, text.image_id, text.request) == ('q1', 'a', 'Is it?')
    assert (text.answer, text.answer_type, text.patient_id) == ('yes', 'closed', 'p1')


def test_a_report_is_about_its_first_image(tmp_path):
    (text,) = read_task_texts(write(tmp_path / 'r.jsonl', REPORT), 'report')
    assert (text.image_id, text.request, text.answer) == ('a', REPORT_REQUEST, 'No lesion.')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        pytest.param('{', 'line 2 is not valid JSON', id='torn'),
        pytest.param('[1]', 'line 2 must be a JSON object, got list', id='no object'),
        pytest.param({**QUESTION, 'question': ' '}, 'question must be', id='empty question'),
        pytest.param({**QUESTION, 'answer': 3}, 'answer must be', id='answer is a number'),
        pytest.param({**QUESTION, 'answer_type': 'x'}, 'closed or open', id='other type'),
        pytest.param(QUESTION, "'q1' occurs twice", id='same id'),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        read_task_texts(write(tmp_path / 'q.jsonl', QUESTION, line), 'vqa')


def test_a_report_without_image_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='image_ids must be a list'):
        read_task_texts(write(tmp_path / 'r.jsonl', {**REPORT, 'image_ids': []}), 'report')


def test_files_that_are_missing_or_empty_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='make_questions'):
        read_task_texts(tmp_path / 'none.jsonl', 'vqa')
    with pytest.raises(ValueError, match='is empty'):
        read_task_texts(write(tmp_path / 'q.jsonl', ''), 'vqa')
    with pytest.raises(ValueError, match='task must be'):
        read_task_texts(tmp_path / 'q.jsonl', 'caption')
