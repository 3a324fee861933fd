"""The shipped configs through the ablation tool, made small."""

import importlib.util
import json

import pytest


@pytest.fixture
def main(repo_root):
    path = repo_root / 'tools' / 'ablate_regions.py'
    spec = importlib.util.spec_from_file_location('ablate_regions', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.mark.parametrize(
    ('task', 'measures'),
    [
        pytest.param(
            'vqa', ['closed_accuracy', 'open_recall'], id='questions', marks=pytest.mark.slow
        ),
        pytest.param('report', ['finding_f1'], id='reports'),
    ],
)
def test_each_condition_is_trained_and_tested_once(
    main, tiny_config, tiny_store, tmp_path, capsys, task, measures
):
    out = tmp_path / 'out'
    command = [
        tiny_config(task), '--seeds', '0', '--conditions', 'none', 'true', '--out', str(out),
        '--repeats', '20', '--cfg-options', f'data_root={tiny_store}',
    ]  # fmt: skip
    assert main(command) == 0
    assert 'none, seed 0: begins' in capsys.readouterr().out
    gains = json.loads((out / 'gain.json').read_text())
    assert [gain['measure'] for gain in gains] == measures
    lines = (out / 'true' / 'seed_0' / 'said.jsonl').read_text().splitlines()
    line = json.loads(lines[0])
    assert line['condition'] == 'true' and line['evidence'][0]['box'] == [18, 10, 30, 24]
    written = (out / 'none' / 'seed_0' / 'said.jsonl').stat().st_mtime_ns
    assert main(command) == 0
    assert 'none, seed 0: finished before' in capsys.readouterr().out
    assert (out / 'none' / 'seed_0' / 'said.jsonl').stat().st_mtime_ns == written
