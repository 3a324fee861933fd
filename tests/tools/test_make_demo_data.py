import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_medglip.store import GroundingStore


@pytest.fixture
def make(repo_root: Path, tmp_path: Path):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(repo_root / 'tools' / 'make_demo_data.py'), *arguments],
            cwd=tmp_path,
            env={**os.environ, 'OMP_NUM_THREADS': '1'},
            capture_output=True,
            text=True,
        )

    return run


def test_makes_a_store_and_a_picture(make, tmp_path: Path):
    done = make('--modalities', 'ct', 'mri', '--patients', '2', '--jobs', '1')
    assert done.returncode == 0, done.stderr
    assert 'demo_ct' in done.stdout
    store = GroundingStore(tmp_path / 'data' / 'demo' / 'store')
    assert store.modalities == ('ct', 'mri')
    assert len(store) == 2 * 6 + 2 * 4
    assert (tmp_path / 'data' / 'demo' / 'raw' / 'ct' / 'dataset.json').is_file()
    assert (tmp_path / 'data' / 'demo' / 'contact_sheet.png').stat().st_size > 10_000


def test_unknown_modality_ends_with_one_line(load_tool, tmp_path: Path, capsys):
    out = tmp_path / 'demo'
    assert load_tool('make_demo_data.py').main(['--modalities', 'pet', '--out', str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("make_demo_data: no phantoms of modality 'pet'; known are ct,")
    assert error.count('\n') == 1
    assert not out.exists()


def test_help_names_the_modalities(load_tool, capsys):
    with pytest.raises(SystemExit) as end:
        load_tool('make_demo_data.py').main(['--help'])
    assert end.value.code == 0
    assert 'dermoscopy' in capsys.readouterr().out
