"""An ablation goes on where it stopped."""

import json
from pathlib import Path

import pytest

from mmdet_medglip.downstream.ablation import collect_answers


class Model:
    """Answers by writing its condition, and counts how often it was asked."""

    def __init__(self, stop_at: tuple[str, int] | None = None, weights: str = 'w') -> None:
        self.calls: list[tuple[str, int]] = []
        self.stop_at, self.weights = stop_at, weights

    def parts(self, condition: str, seed: int) -> dict[str, str]:
        return {'weights': self.weights, 'condition': condition}

    def answer(self, condition: str, seed: int, folder: Path) -> Path:
        (folder / 'train').mkdir(exist_ok=True)
        self.calls.append((condition, seed))
        if (condition, seed) == self.stop_at:
            (folder / 'train' / 'half').write_text('done')
            raise KeyboardInterrupt
        path = folder / 'said.jsonl'
        path.write_text(json.dumps({'condition': condition}) + '\n')
        return path


def test_everything_is_answered_seed_by_seed(tmp_path):
    model = Model()
    files = collect_answers(model, ['none', 'true'], [0, 1], tmp_path)
    assert model.calls == [('none', 0), ('true', 0), ('none', 1), ('true', 1)]
    assert files['true'][1] == tmp_path / 'true' / 'seed_1' / 'said.jsonl'


def test_what_is_finished_is_not_done_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        collect_answers(Model(stop_at=('true', 0)), ['none', 'true'], [0], tmp_path)
    lines: list[str] = []
    model = Model()
    collect_answers(model, ['none', 'true'], [0], tmp_path, lines.append)
    assert model.calls == [('true', 0)]
    assert lines == ['none, seed 0: finished before', 'true, seed 0: goes on']
    assert (tmp_path / 'true' / 'seed_0' / 'train' / 'half').is_file()


def test_other_parts_start_anew(tmp_path):
    collect_answers(Model(), ['none'], [0], tmp_path)
    (tmp_path / 'none' / 'seed_0' / 'train' / 'old').write_text('x')
    lines: list[str] = []
    model = Model(weights='others')
    collect_answers(model, ['none'], [0], tmp_path, lines.append)
    assert model.calls == [('none', 0)]
    assert lines == ['none, seed 0: again, changed: weights']
    assert not (tmp_path / 'none' / 'seed_0' / 'train' / 'old').exists()


def test_a_lost_file_is_made_again(tmp_path):
    files = collect_answers(Model(), ['none'], [0], tmp_path)
    files['none'][0].unlink()
    model = Model()
    collect_answers(model, ['none'], [0], tmp_path)
    assert model.calls == [('none', 0)]


def test_a_damaged_state_is_named(tmp_path):
    collect_answers(Model(), ['none'], [0], tmp_path)
    (tmp_path / 'none' / 'seed_0' / 'state.json').write_text('{')
    with pytest.raises(ValueError, match=r'state\.json is damaged'):
        collect_answers(Model(), ['none'], [0], tmp_path)
