"""The README's commands, run as they stand; only the length of a training is cut."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_medglip.text import resolve_language_model

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'train_dataloader.dataset.indices=8',
    'val_dataloader.dataset.indices=8',
    'test_dataloader.dataset.indices=8',
]


def readme_commands() -> list[list[str]]:
    """Words of each ``python`` command, its environment first."""
    blocks = (ROOT / 'README.md').read_text().split('```bash\n')[1:]
    lines = [line for block in blocks for line in block.split('```')[0].splitlines()]
    return [words for line in lines if 'python' in (words := shlex.split(line, comments=True))]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run a command of the README in a folder that holds its data."""
    start = words.index('python')
    env = os.environ | dict(word.split('=', 1) for word in words[:start])
    env |= dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    if 'GLIP_LANGUAGE_MODEL' in env:
        env['GLIP_LANGUAGE_MODEL'] = resolve_language_model('bundled')
    script, *arguments = words[start + 1 :]
    if script.endswith(('train.py', 'test.py')):
        arguments = arguments if '--cfg-options' in arguments else [*arguments, '--cfg-options']
        arguments += SHORT if script.endswith('train.py') else SHORT[-1:]
    arguments = [str(ROOT / word) if word.startswith('configs/') else word for word in arguments]
    return subprocess.run(
        [sys.executable, str(ROOT / script), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_readme_commands_run_in_order(tmp_path: Path, real_data_root: Path) -> None:
    (tmp_path / 'downloads').symlink_to(real_data_root, target_is_directory=True)
    demo = run(
        ['python', 'tools/make_demo_data.py', '--modalities', 'ct', '--patients', '8'], tmp_path
    )
    assert demo.returncode == 0, demo.stderr[-2000:]
    commands = readme_commands()
    assert len(commands) == 5
    for words in commands:
        done = run(words, tmp_path)
        if words[-1].endswith('glip-t.py'):
            assert done.returncode == 1
            assert 'mim download mmdet' in done.stderr
        else:
            assert done.returncode == 0, f'{words}: {(done.stdout + done.stderr)[-3000:]}'
    assert (tmp_path / 'work_dirs' / 'medglip' / 'endoscopy' / 'test_metrics.json').is_file()
