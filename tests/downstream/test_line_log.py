import json

import pytest

from mmdet_medglip.downstream.line_log import LineLog, read_log

ROWS = [{'n': 1}, {'n': 2, 'text': 'ü\n"'}, {'n': 3}]


@pytest.fixture
def path(tmp_path):
    with LineLog(tmp_path / 'new' / 'log.jsonl') as log:
        log.append(ROWS[:2])
        log.append(ROWS[2:])
    return log.path


def test_what_was_appended_is_there_again(path):
    assert read_log(path) == ROWS
    with LineLog(path) as log:
        assert log.rows == ROWS
        log.append([{'n': 4}])
    assert [row['n'] for row in read_log(path)] == [1, 2, 3, 4]


@pytest.mark.parametrize('cut', range(1, 9))
def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(path, cut):
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    kept = 3 if cut == 1 else 2  # An object without its newline is whole.
    assert read_log(path) == ROWS[:kept]
    with LineLog(path) as log:
        assert log.rows == ROWS[:kept]
        log.append(ROWS[kept:])
    assert path.read_bytes() == whole


def test_zeros_after_a_loss_of_power_are_torn_too(path):
    whole = path.read_bytes()
    path.write_bytes(whole + b'\0\0\0\n')
    with LineLog(path) as log:
        assert len(log) == 3
    assert path.read_bytes() == whole


def test_keep_cuts_the_file(path):
    with LineLog(path) as log:
        log.keep(1)
        log.append([{'n': 9}])
    assert [row['n'] for row in read_log(path)] == [1, 9]


def test_a_bad_line_within_is_an_error(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'[1]\n' + lines[2])
    with pytest.raises(ValueError, match='line 2 is no JSON object'):
        LineLog(path)
    assert json.loads(path.read_bytes().splitlines()[2]) == {'n': 3}


def test_two_programs_do_not_write_one_file(path):
    with LineLog(path), pytest.raises(BlockingIOError, match='written by another program'):
        LineLog(path)
    LineLog(path).__exit__(None, None, None)


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match='There is no file'):
        read_log(tmp_path / 'log.jsonl')


@pytest.mark.parametrize(
    'content', [b'[{"question": "a"}]', b'[1]\n', b'one line\n', b'1', b'{"n": 1}\nnull\n'], ids=str
)
def test_a_file_of_something_else_is_refused_and_stays(tmp_path, content):
    path = tmp_path / 'questions.jsonl'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'line \d is no JSON object; correct the file or remove'):
        LineLog(path)
    assert path.read_bytes() == content


def test_another_kind_of_file_is_not_opened(tmp_path):
    with pytest.raises(ValueError, match=r'coco\.json is written line by line: .* in \.jsonl'):
        LineLog(tmp_path / 'coco.json')
    assert not (tmp_path / 'coco.json').exists()
