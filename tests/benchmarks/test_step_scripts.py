"""The benchmarks of whole steps run at a small size and end in the JSON that they promise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(repo_root: Path, script: str, *options: str) -> dict:
    done = subprocess.run(
        [sys.executable, f'benchmarks/{script}.py', '--repeats', '1', '--json', *options],
        cwd=repo_root,
        env=os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_profile_accounts_for_a_step(repo_root: Path) -> None:
    figures = run(repo_root, 'profile_step', '--size', '64', '96', '--batch', '1')
    for step, parts in (
        ('inference', {'backbone', 'neck: fusion', 'head', 'post-processing: NMS'}),
        ('training', {'assignment', 'losses', 'backward: neck', 'backward: backbone', 'optimizer'}),
    ):
        found = figures[step]
        assert parts <= set(found['ms'])
        assert sum(found['ms'].values()) == pytest.approx(found['total_ms'], abs=1)
        assert found['times_floor'] > 0.5
    # A backward pass has two products for each one of the forward pass.
    gflop = figures['training']['gflop']
    assert gflop['backward: backbone'] == pytest.approx(2 * gflop['backbone'], rel=0.15)
    assert set(figures['evaluation']) == {'process', 'compute'}
    assert 'LoadMedImage' in figures['loading']


def test_throughput_takes_turns_with_another_tree(repo_root: Path) -> None:
    options = ('--steps', '1', '--own-time', '--tree', str(repo_root))
    figures = run(repo_root, 'throughput', *options)
    assert figures['images_per_s_this'] > 0
    assert 0.3 < figures['ratio_min'] <= figures['ratio'] <= figures['ratio_max'] < 3


def test_throughput_reads_from_a_loader(repo_root: Path) -> None:
    figures = run(repo_root, 'throughput', '--steps', '1', '--feed', 'loader')
    assert figures['images_per_s_this'] > 0
    assert 'ratio' not in figures
