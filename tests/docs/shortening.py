"""Run a long command in a process of its own, cut to few images, steps and patients."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmdet_medglip.text import resolve_language_model
from tests.docs.checking import program_of, split_command
from tests.docs.page import ROOT

PATIENTS = '8'
TIMEOUT_S = 900
FEW = {
    'train': (
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'train_dataloader.dataset.indices=16',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
    ),
    'val': (
        'val_dataloader.dataset.indices=8',
        'val_dataloader.num_workers=0',
        'val_dataloader.persistent_workers=False',
    ),
    'test': ('test_dataloader.dataset.indices=8', 'test_dataloader.num_workers=0'),
}
PARTS = {
    'tools/train.py': ('train', 'val'),
    'tools/calibrate_presence.py': ('val',),
    'tools/test.py': ('test',),
    'tools/test_words.py': ('test',),
    'tools/test_regions.py': ('test',),
}
"""Which parts of a config a program uses."""


def shorten(program: str, arguments: Sequence[str]) -> list[str]:
    """Arguments with overrides that cut a training or test short, or with few patients."""
    words = list(arguments)
    if program == 'tools/make_demo_data.py':
        if '--patients' in words:
            words[words.index('--patients') + 1] = PATIENTS
            return words
        return [*words, '--patients', PATIENTS]
    few = [option for part in PARTS.get(program, ()) for option in FEW[part]]
    if not few:
        return words
    if '--cfg-options' not in words:
        return [*words, '--cfg-options', *few]
    # The overrides of the page come last, so that they are what is tested.
    place = words.index('--cfg-options') + 1
    named = {word.partition('=')[0] for word in words}
    few = [option for option in few if option.partition('=')[0] not in named]
    return [*words[:place], *few, *words[place:]]


def run_short(command: str, folder: Path) -> None:
    """Run a command in a folder.

    Raises:
        AssertionError: Its status is not 0; the message has the end of what it printed.
        TimeoutExpired: It does not end.
    """
    variables, words = split_command(command)
    program, arguments = program_of(words)
    if program == 'tools/make_demo_data.py':
        # A page's folder has a small store where the command of the page makes one.
        out = arguments[arguments.index('--out') + 1] if '--out' in arguments else 'data/demo'
        shutil.rmtree(folder / out, ignore_errors=True)
    script = 'tools/medglip.py' if program == 'medglip' else program
    env = os.environ | {'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **variables}
    env['GLIP_LANGUAGE_MODEL'] = resolve_language_model('bundled')
    env['PYTHONPATH'] = str(ROOT)
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *shorten(program, arguments)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    told = (done.stdout + done.stderr)[-3000:]
    assert done.returncode == 0, f'{command}: status {done.returncode}\n{told}'
