"""The ablation, from the configs to the plot."""

import json
from pathlib import Path

import pytest


def answers(path: Path, right: list[bool]) -> Path:
    lines = [
        {
            'question_id': f'q{n}', 'image_id': f'i{n}', 'patient_id': f'p{n}', 'type': 'closed',
            'request': 'Is it?', 'truth': 'yes', 'answer': 'Yes' if good else 'No', 'evidence': [],
        }
        for n, good in enumerate(right)
    ]  # fmt: skip
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def test_files_of_answers_are_compared(load_tool, tmp_path, capsys):
    none = answers(tmp_path / 'a.jsonl', [False, False, True, True])
    true = answers(tmp_path / 'b.jsonl', [True] * 4)
    out = tmp_path / 'out'
    tool = load_tool('ablate_regions.py')
    given = ['--answers', f'none={none}', f'true={true}', '--out', str(out), '--repeats', '50']
    assert tool.main(given) == 0
    (gain,) = json.loads((out / 'gain.json').read_text())
    assert gain['values']['none']['value'] == 0.5
    assert gain['difference_by_seed'] == {'true': [0.5]}
    assert (out / 'gain.png').read_bytes().startswith(b'\x89PNG')
    assert 'closed accuracy (4 of 4 patients)' in capsys.readouterr().out


def test_answers_of_any_model_are_judged_by_the_questions(load_tool, tmp_path):
    questions = tmp_path / 'questions.jsonl'
    lines = [
        {
            'question_id': f'q{n}', 'image_id': f'i{n}', 'image_path': None, 'question': 'Where?',
            'answer': 'upper left', 'answer_type': 'open', 'patient_id': f'p{n}',
        }
        for n in range(3)
    ]  # fmt: skip
    questions.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    said = {'none': 'left', 'predicted': 'In the upper left.'}
    for condition, answer in said.items():
        answers = ({'question_id': f'q{n}', 'answer': answer} for n in (2, 0, 1))
        text = ''.join(json.dumps(line) + '\n' for line in answers)
        (tmp_path / f'{condition}.jsonl').write_text(text)
    given = [f'{name}={tmp_path / name}.jsonl' for name in said]
    command = ['--answers', *given, '--questions', str(questions), '--out', str(tmp_path)]
    assert load_tool('ablate_regions.py').main(command) == 0
    (gain,) = json.loads((tmp_path / 'gain.json').read_text())
    assert gain['measure'] == 'open_recall' and gain['patients'] == 3
    assert gain['values']['none']['value'] == 0.5 and gain['values']['predicted']['value'] == 1


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        pytest.param('{', 'line 1 is not valid JSON', id='torn'),
        pytest.param('{"question_id": "q"}', "line 1 lacks 'truth'", id='no answer'),
        pytest.param('', 'has no line', id='empty'),
    ],
)
def test_bad_files_are_errors(load_tool, tmp_path, capsys, line, message):
    path = tmp_path / 'a.jsonl'
    path.write_text(line)
    tool = load_tool('ablate_regions.py')
    assert tool.main(['--answers', f'none={path}', '--out', str(tmp_path / 'out')]) == 1
    assert message in capsys.readouterr().err


def test_a_config_without_regions_is_an_error(load_tool, toy, monkeypatch, capsys):
    monkeypatch.chdir(toy)
    (toy / 'configs' / 'plain.py').write_text("model = dict(type='ToyModel')\n")
    assert load_tool('ablate_regions.py').main(['configs/plain.py']) == 1
    assert 'no data set with regions' in capsys.readouterr().err
