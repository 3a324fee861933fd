import re

import pytest


@pytest.fixture
def diagnosis(load_tool):
    return load_tool('setup_diagnosis.py')


@pytest.mark.parametrize(
    ('output', 'expected'),
    [
        pytest.param('OSError: [Errno 28] No space left on device', 'Free about', id='disk'),
        pytest.param('fatal error: Python.h: No such file', 'python3-dev', id='headers'),
        pytest.param(
            'c++: fatal error: Killed signal terminated program cc1plus', 'MAX_JOBS=1', id='memory'
        ),
        pytest.param(
            'ERROR: No matching distribution found for torch==2.11.0', 'PIP_INDEX_URL', id='index'
        ),
        pytest.param('Temporary failure in name resolution', 'network', id='network'),
        pytest.param("error: command '/usr/bin/g++' failed", r'g\+\+ >= 9', id='compiler'),
        pytest.param('ImportError: libGL.so.1: cannot open', 'libgl1', id='opengl'),
        pytest.param('something else', 'does not know', id='unknown'),
    ],
)
def test_output_of_a_failure_becomes_advice(diagnosis, output, expected):
    assert re.search(expected, diagnosis.diagnose(output))


def test_missing_compiler_and_headers_are_named(diagnosis, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(diagnosis.SetupError, match=r'No C\+\+ compiler .*build-essential'):
        diagnosis.check_compiler()
    (tmp_path / 'c++').write_text('')
    (tmp_path / 'c++').chmod(0o755)
    monkeypatch.setattr(diagnosis.sysconfig, 'get_path', lambda name: str(tmp_path))
    with pytest.raises(diagnosis.SetupError, match='python3-dev'):
        diagnosis.check_compiler()


def test_a_full_disk_is_named_before_anything_is_fetched(diagnosis, monkeypatch, tmp_path):
    usage = type('Usage', (), {'free': 1e9})
    monkeypatch.setattr(diagnosis.shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(diagnosis.SetupError, match=r'1\.0 GB free'):
        diagnosis.check_disk(tmp_path)


def test_an_old_python_is_named(diagnosis, monkeypatch):
    monkeypatch.setattr(diagnosis.sys, 'version_info', (3, 9, 0))
    with pytest.raises(diagnosis.SetupError, match=r'too old: 3\.10 or newer'):
        diagnosis.check_python()
