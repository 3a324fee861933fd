import json

import pytest

STORE = ['--cfg-options', 'data_root=store']


def test_train_resume_and_test_share_one_work_dir(call, toy):
    trained = call('train.py', 'configs/toy.py', *STORE)
    assert trained.returncode == 0, trained.stderr
    work_dir = toy / 'work_dirs' / 'toy'
    assert (work_dir / 'epoch_2.pth').is_file()
    assert 'trained in' in trained.stdout
    assert 'peak memory' in trained.stdout

    resumed = call('train.py', 'configs/toy.py', '--resume', *STORE, 'train_cfg.max_epochs=3')
    assert resumed.returncode == 0, resumed.stderr
    assert (work_dir / 'epoch_3.pth').is_file()
    assert 'Epoch(train) [3]' in resumed.stdout + resumed.stderr
    assert 'Epoch(train) [2]' not in resumed.stdout + resumed.stderr

    tested = call('test.py', 'configs/toy.py', '--out', 'predictions.pkl', *STORE)
    assert tested.returncode == 0, tested.stderr
    assert 'epoch_3.pth' in tested.stdout
    metrics = json.loads((work_dir / 'test_metrics.json').read_text())
    assert metrics['toy/count'] == 8
    assert metrics['toy/ct/AP50'] == 1.0
    report = tested.stdout[tested.stdout.rindex('\ncheckpoint') :]
    assert 'toy/AP50' in report
    assert 'toy/ct/AP50' not in report
    assert (toy / 'predictions.pkl').is_file()


@pytest.mark.parametrize(
    ('tool', 'arguments', 'expected'),
    [
        pytest.param(
            'train.py', ['configs/toy.py'], 'python tools/make_demo_data.py', id='train-no-data'
        ),
        pytest.param(
            'train.py',
            ['configs/toy.py', *STORE, 'load_from=absent.pth'],
            r'absent\.pth \(load_from\) do not exist',
            id='train-no-weights',
        ),
        pytest.param(
            'train.py',
            ['configs/toy.py', '--resume', 'absent.pth', *STORE],
            r'absent\.pth',
            id='resume-no-checkpoint',
        ),
        pytest.param('train.py', ['configs/absent.py'], 'does not exist', id='no-config'),
        pytest.param(
            'train.py',
            ['configs/toy.py', '--auto-scale-lr', *STORE],
            'base_batch_size',
            id='auto-scale-lr',
        ),
        pytest.param(
            'test.py', ['configs/toy.py', *STORE], 'holds no checkpoint', id='test-untrained'
        ),
        pytest.param(
            'test.py',
            ['configs/toy.py', 'absent.pth', *STORE],
            r'Checkpoint absent\.pth does not exist',
            id='test-no-checkpoint',
        ),
    ],
)
def test_missing_input_is_one_error(load_tool, toy, monkeypatch, tool, arguments, expected):
    (toy / 'configs' / 'toy.py').write_text(
        "data_root = 'data/demo/store/'\n"
        'dataloader = dict(dataset=dict(data_root=data_root))\n'
        'train_dataloader = test_dataloader = dataloader\n'
    )
    monkeypatch.chdir(toy)
    monkeypatch.setattr('sys.argv', [tool, *arguments])
    with pytest.raises(SystemExit, match=f'error: .*{expected}'):
        load_tool(tool).main()


def test_an_error_has_no_traceback(call):
    result = call('train.py', 'configs/toy.py', '--amp', *STORE)
    assert result.returncode == 1
    assert 'error: --amp needs a GPU' in result.stderr
    assert 'Traceback' not in result.stderr


def test_predictions_go_into_a_pickle_only(load_tool, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['test.py', 'configs/toy.py', '--out', 'p.json'])
    with pytest.raises(SystemExit):
        load_tool('test.py').main()
    assert 'ending in .pkl or .pickle, got p.json' in capsys.readouterr().err


def test_show_dir_switches_the_drawing_hook_on(load_tool, toy, monkeypatch):
    (toy / 'w.pth').touch()
    (toy / 'configs' / 'plain.py').write_text(
        "default_hooks = dict(visualization=dict(type='DetVisualizationHook'))\n"
    )
    monkeypatch.chdir(toy)
    monkeypatch.setattr('sys.argv', ['test.py', 'configs/plain.py', 'w.pth', '--show-dir', 'here'])
    tool = load_tool('test.py')
    hook = tool.prepare(tool.parse_args()).default_hooks.visualization
    assert hook.type.endswith('GroundingVisualizationHook')
    assert hook.draw is True
    assert hook.show_dir == str(toy / 'here')


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_scripts_say_how_they_are_called(call, script):
    result = call(script, 'configs/toy.py')
    assert result.returncode == 2
    assert result.stderr.startswith('usage:')


@pytest.mark.slow
def test_two_processes_train_and_test_on_the_cpu(call, toy):
    trained = call('dist_train.sh', 'configs/toy.py', '2', '--auto-scale-lr', *STORE)
    assert trained.returncode == 0, trained.stderr[-3000:]
    checkpoint = toy / 'work_dirs' / 'toy' / 'epoch_2.pth'
    assert 'GPU number: 2' in trained.stdout + trained.stderr
    assert trained.stdout.count('trained in') == 1

    tested = call('dist_test.sh', 'configs/toy.py', str(checkpoint), '2', *STORE)
    assert tested.returncode == 0, tested.stderr[-3000:]
    metrics = json.loads((toy / 'work_dirs' / 'toy' / 'test_metrics.json').read_text())
    assert metrics['toy/count'] == 8


def test_slurm_script_hands_the_job_to_srun(call, toy, monkeypatch):
    (toy / 'srun').write_text('#!/bin/sh\necho "$@"\n')
    (toy / 'srun').chmod(0o755)
    monkeypatch.setenv('PATH', f'{toy}:/usr/bin:/bin')
    monkeypatch.setenv('GPUS', '2')
    result = call('slurm_train.sh', 'part', 'job', 'configs/toy.py', 'out', '--amp')
    assert result.returncode == 0, result.stderr
    assert '--partition=part --job-name=job --ntasks=2 --ntasks-per-node=2' in result.stdout
    assert 'configs/toy.py --work-dir out --launcher slurm --amp' in result.stdout
