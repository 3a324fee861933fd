"""The command of the benchmark; the slow tests train the smallest entry of the demo suite."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Record

SMALL = """
title: smallest
description: The reference of the demo suite on two modalities, a few steps.
data:
  mini: {demo: {patients: 8, modalities: [xray, dermoscopy]}}
test_on: mini
reference: shared
cfg_options:
  train_cfg.max_epochs: EPOCHS
  train_cfg.val_interval: 100
  train_dataloader.num_workers: 0
  train_dataloader.persistent_workers: false
  test_dataloader.num_workers: 0
entries:
  - {name: shared, config: configs/baselines/all_shared.py, train_on: mini}
"""


def command(repo_root: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(repo_root / 'tools' / 'benchmark.py'), *arguments]


@pytest.fixture
def main(load_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The handler is of the whole process.
    monkeypatch.setattr('signal.signal', lambda *_: None)
    return load_tool('benchmark.py').main


def test_suites_and_entries_are_listed(main, capsys):
    assert main(['--list']) == 0
    listed = capsys.readouterr().out
    assert all(f'{name}: ' in listed for name in ('demo', 'real-small', 'paper'))
    assert main(['paper', '--list']) == 0
    assert 'routed-tuned' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['paper'], "Suite 'paper' lacks data: med-glip-5m (Med-GLIP-5M is not published"),
        (['real-small'], 'name the folder that holds them by --data-root'),
        (['real-small', '--data-root', '.'], '. has no '),
        (['paper', '--store', 'med-glip-5m=absent'], 'absent is no store'),
        (['paper', '--store', 'other=absent'], "has no data 'other'"),
        (['demo', '--only', 'absent'], "has no entry 'absent'; it has shared, routed"),
        (['absent'], "No suite 'absent'"),
    ],
    ids=['store', 'recipes', 'folders', 'no-store', 'name', 'entry', 'suite'],
)
def test_what_is_missing_is_one_error(main, capsys, tmp_path, arguments, message):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert message in error
    assert error.count('\n') == 1
    assert not any(tmp_path.iterdir()), 'nothing is made before all is known to be there'


@pytest.mark.parametrize('arguments', [[], ['demo', '--jobs', '0'], ['demo', '--store', 'x']])
def test_wrong_options_are_refused(main, arguments):
    with pytest.raises(SystemExit):
        main(arguments)


def test_leakage_stops_before_anything_runs(main, capsys, tmp_path):
    with StoreWriter(tmp_path / 'store', name='leaky') as writer:
        for number, split in enumerate(('train', 'test')):
            record = Record(str(number), 32, 32, 'xray', 'demo', 'same patient', split=split)
            writer.add(record, np.full((32, 32), number, np.uint8))
    (tmp_path / 'small.yaml').write_text(SMALL.replace('EPOCHS', '1'))
    assert main(['small.yaml', '--store', 'mini=store']) == 1
    said = capsys.readouterr()
    assert 'Patients on both sides: 1.' in said.out
    assert 'pass --allow-leakage' in said.err
    assert not (tmp_path / 'work_dirs').exists()
    assert main(['small.yaml', '--store', 'mini=store', '--allow-leakage', '--report-only']) == 0
    report = tmp_path / 'work_dirs' / 'benchmark' / 'small' / 'report.md'
    assert 'This is leakage' in report.read_text()


@pytest.mark.slow
def test_the_smallest_entry_is_trained_cut_off_resumed_and_reported(repo_root, tmp_path):
    (tmp_path / 'small.yaml').write_text(SMALL.replace('EPOCHS', '3'))
    env = os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    call = command(repo_root, 'small.yaml', '--out', 'out', '--repeats', '20')
    run = tmp_path / 'out' / 'runs' / 'shared' / 'seed-0'
    options = dict(cwd=tmp_path, env=env, text=True)

    first = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    deadline = time.monotonic() + 600
    while not (run / 'train' / 'last_checkpoint').is_file():
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=120) == 130, first.communicate()[0]
    assert json.loads((run / 'state.json').read_text())['train']['status'] == 'started'

    second = subprocess.run(call, capture_output=True, **options)
    assert second.returncode == 0, second.stdout + second.stderr
    assert 'shared seed 0: training goes on from epoch_' in second.stdout
    state = json.loads((run / 'state.json').read_text())
    assert state['train']['status'] == state['test']['status'] == 'done'
    assert state['train']['budget']['epochs'] == 3
    content = json.loads((tmp_path / 'out' / 'results.json').read_text())
    entry = content['entries'][0]
    metrics = json.loads((run / 'test' / 'test_metrics.json').read_text())
    assert entry['scores']['ap50']['xray']['value'] == pytest.approx(
        metrics['coco/xray/AP50'], abs=1e-6
    )
    assert entry['cost']['active']['xray'] == entry['cost']['trainable'] > 1e6
    assert '<figure>' in (tmp_path / 'out' / 'report.html').read_text()

    third = subprocess.run(call, capture_output=True, **options)
    assert third.returncode == 0, third.stdout + third.stderr
    assert 'shared seed 0: finished before' in third.stdout


@pytest.mark.slow
def test_the_smallest_entry_of_the_demo_suite_is_rerun(repo_root, tmp_path):
    env = os.environ | dict(OMP_NUM_THREADS='2', CUDA_VISIBLE_DEVICES='')
    call = command(repo_root, 'demo', '--only', 'retinanet', '--out', str(tmp_path))
    done = subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / 'results.json').read_text())
    assert [entry['name'] for entry in content['entries']] == ['retinanet']
    scores = {name: one['value'] for name, one in content['entries'][0]['scores']['ap50'].items()}
    run = tmp_path / 'runs' / 'retinanet' / 'seed-0'
    metrics = json.loads((run / 'test' / 'test_metrics.json').read_text())
    for modality in ('ct', 'dermoscopy', 'mri', 'ultrasound'):
        expected = metrics[f'coco/{modality}/AP50']
        assert scores.pop(modality) == pytest.approx(expected, abs=1e-6), modality
    assert set(scores) == {'macro'}
    assert content['leakage']['patients'] == content['leakage']['copies'] == []
    assert 'shared seed 0' in content['not_run']
