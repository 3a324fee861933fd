"""The command that serves the browser demo."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from mmdet_medglip import browser
from mmdet_medglip.browser import server
from mmdet_medglip.cli import serve_command
from mmdet_medglip.cli.main import main, parse_args


def test_it_listens_on_loopback_unless_told_otherwise():
    assert parse_args(['serve', 'a.py']).host == '127.0.0.1'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        pytest.param(['no.py'], 'no.py', id='no such config'),
        pytest.param(['a.py', '--compare-weights', 'b.pth'], 'need --compare', id='half a pair'),
        pytest.param(['a.py', '--port', '70000'], '--port must be', id='no such port'),
        pytest.param(['a.py', '--max-sessions', '0'], '--max-sessions', id='no session'),
        pytest.param(['a.py', '--max-upload-mb', 'inf'], '--max-upload-mb must', id='any size'),
        pytest.param(['a.py', '--max-upload-mb', 'nan'], '--max-upload-mb must', id='no number'),
        pytest.param(['a.py', '--max-upload-mb', '0'], '--max-upload-mb must', id='no byte'),
        pytest.param(['a.py', '--session-minutes', 'inf'], '--session-minutes must', id='for ever'),
    ],
)
def test_a_wrong_command_line_is_2(words, message, capsys):
    pytest.importorskip('starlette', reason='no server: pip install starlette uvicorn')
    assert main(['serve', *words]) == 2
    assert message in capsys.readouterr().err


def test_a_free_port_is_told(monkeypatch, capsys):
    pytest.importorskip('starlette', reason='no server: pip install starlette uvicorn')
    asked = []
    monkeypatch.setattr(server, 'run_server', lambda service, host, port, names: asked.append(port))
    monkeypatch.setattr(browser, 'DemoService', lambda *_: None)
    monkeypatch.setattr(serve_command, '_models', lambda _: [])
    assert main(['serve', 'a.py', '--port', '0']) == 0
    assert asked[0] > 0
    assert f'Open http://127.0.0.1:{asked[0]}/' in capsys.readouterr().out


def test_missing_libraries_are_named_before_a_model_is_read(monkeypatch, capsys):
    monkeypatch.setattr(server, 'find_spec', lambda name: None)
    assert main(['serve', 'no.py']) == 1
    assert 'pip install starlette uvicorn' in capsys.readouterr().err


def test_a_model_has_the_name_of_its_config_on_the_page_and_in_files(model_files):
    config, weights = model_files
    args = parse_args(['serve', config, '--weights', weights, '--device', 'cpu'])
    (model,) = serve_command._models(args)
    assert model.name == '/'.join(Path(config).with_suffix('').parts[-2:])
    assert (model.write_options.model, model.write_options.weights) == ('config', 'weights')


@pytest.mark.slow
def test_it_serves_until_it_is_stopped_and_leaves_nothing(model_files, repo_root, tmp_path):
    pytest.importorskip('starlette', reason='no server: pip install starlette uvicorn')
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(repo_root / 'tools' / 'medglip.py'), 'serve', model_files[0]]
    command += ['--weights', model_files[1], '--port', str(port), '--device', 'cpu']
    environment = {**os.environ, 'TMPDIR': str(tmp_path), 'PYTHONPATH': str(repo_root)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            page = _page(f'http://127.0.0.1:{port}/', process)
            assert 'Not for clinical use' in page
            assert list(tmp_path.glob('medglip-browser-*'))
        finally:
            process.send_signal(signal.SIGINT)
            told, _ = process.communicate(timeout=60)
    assert f'Open http://127.0.0.1:{port}/' in told
    assert not list(tmp_path.glob('medglip-browser-*'))


def _page(address: str, process: subprocess.Popen) -> str:
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.5)
    raise AssertionError('the server did not start')
