import pytest

from mmdet_medglip.benchmark.state import Budget, RunState, Stage, lock_run, read_state, write_state


def test_a_state_comes_back(tmp_path):
    assert read_state(tmp_path) == RunState()
    state = RunState(
        train=Stage({'config': 'a'}, 'done', 5.0, 7.5, budget=Budget(1, 2, 16)),
        test=Stage({'test data': 'b'}),
    )
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_a_damaged_state_is_named(tmp_path):
    (tmp_path / 'state.json').write_text('{"train": 3}')
    with pytest.raises(ValueError, match=r'state\.json is damaged .* remove it to run again'):
        read_state(tmp_path)


def test_what_has_changed():
    stage = Stage({'config': 'a', 'data': 'b', 'code': 'c'})
    assert stage.changed({'config': 'a', 'data': 'x', 'weights': 'w'}) == [
        'data',
        'code',
        'weights',
    ]
    assert stage.changed(dict(stage.parts)) == []


def test_a_folder_is_held_once(tmp_path):
    with (
        lock_run(tmp_path / 'run'),
        pytest.raises(BlockingIOError, match='is in use'),
        lock_run(tmp_path / 'run'),
    ):
        pass
    with lock_run(tmp_path / 'run'):
        pass
