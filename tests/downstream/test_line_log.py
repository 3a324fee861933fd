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
    assert read_log(path) == ROWS[:2]
    with LineLog(path) as log:
        assert log.rows == ROWS[:2]
        log.append(ROWS[2:])
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
