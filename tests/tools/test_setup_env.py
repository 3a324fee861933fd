import pytest


@pytest.fixture
def setup_env(load_tool):
    return load_tool('setup_env.py')


@pytest.fixture
def environment(setup_env, tmp_path):
    environment = setup_env.Environment(tmp_path / 'venv', 'maintained')
    environment.stamps.mkdir(parents=True)
    (environment.stamps / 'line').write_text('maintained')
    return environment


def fake_steps(setup_env, monkeypatch, contents, calls, failing=()):
    def steps(environment, groups):
        for name, content in contents.items():

            def run(name=name):
                calls.append(name)
                if name in failing:
                    raise setup_env.SetupError('no room')

            yield setup_env.Step(name, content, run, chained=not name.endswith('packages'))

    monkeypatch.setattr(setup_env, 'steps', steps)


@pytest.mark.parametrize(
    ('changed', 'expected'),
    [
        pytest.param({}, [], id='nothing-changed-nothing-runs'),
        pytest.param({'torch': '2'}, ['torch', 'mmcv', 'test packages'], id='torch-rebuilds-mmcv'),
        pytest.param({'mmcv': '2'}, ['mmcv', 'test packages'], id='mmcv-alone'),
        pytest.param({'test packages': '2'}, ['test packages'], id='plain-packages-alone'),
    ],
)
def test_only_what_changed_and_what_depends_on_it_runs_again(
    setup_env, environment, monkeypatch, changed, expected
):
    contents = {'torch': '1', 'mmcv': '1', 'test packages': '1'}
    calls = []
    fake_steps(setup_env, monkeypatch, contents, calls)
    assert setup_env.set_up(environment, []) == 3
    calls.clear()
    contents.update(changed)
    assert setup_env.set_up(environment, []) == len(expected)
    assert calls == expected


def test_a_failed_step_leaves_no_stamp_and_is_named(setup_env, environment, monkeypatch):
    calls = []
    contents = {'torch': '1', 'mmcv': '1'}
    fake_steps(setup_env, monkeypatch, contents, calls, failing=['mmcv'])
    for _ in range(2):
        with pytest.raises(setup_env.SetupError, match=r'Step "mmcv" failed\. no room'):
            setup_env.set_up(environment, [])
    assert calls == ['torch', 'mmcv', 'mmcv']


def test_an_environment_never_changes_its_line(setup_env, environment):
    environment.line = 'upstream'
    with pytest.raises(setup_env.SetupError, match='holds the maintained OpenMMLab line'):
        setup_env.create(environment)


def test_a_failing_command_shows_its_last_lines(setup_env, environment):
    with pytest.raises(setup_env.SetupError, match='the last words'):
        environment.call(['sh', '-c', 'echo the last words; exit 3'])


def test_without_nvcc_the_ops_are_built_for_the_cpu(setup_env, environment, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CUDA_HOME', raising=False)
    monkeypatch.delenv('CUDA_PATH', raising=False)
    assert setup_env.mmcv_build_env(environment)['CUDA_VISIBLE_DEVICES'] == ''
    monkeypatch.setenv('CUDA_HOME', '/usr/local/cuda')
    assert 'CUDA_VISIBLE_DEVICES' not in setup_env.mmcv_build_env(environment)


@pytest.mark.parametrize('line', ['maintained', 'upstream'])
def test_steps_install_torch_before_mmcv_and_one_line_only(setup_env, tmp_path, line):
    environment = setup_env.Environment(tmp_path, line)
    contents = [step.content for step in setup_env.steps(environment, ['test'])]
    torch = next(i for i, text in enumerate(contents) if 'torch==' in text)
    mmcv = next(i for i, text in enumerate(contents) if 'mmcv==' in text)
    assert torch < mmcv
    assert ('onedl-mmcv==' in contents[mmcv]) == (line == 'maintained')
