"""The commands of the routing page on demo data: alone and with a detector, then without names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SHORT = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'param_scheduler.1.T_max=1',
    'train_dataloader.batch_size=4',
]
LOADERS = [f'{name}_dataloader.num_workers=0' for name in ('train', 'val')]
LOADERS += [f'{name}_dataloader.persistent_workers=False' for name in ('train', 'val')]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Path:
    """Demo data of two modalities."""
    folder = tmp_path_factory.mktemp('routing')
    made = _run(
        folder, repo_root, 'make_demo_data', '--modalities', 'ct', 'fundus', '--patients', '8'
    )
    assert made.returncode == 0, made.stderr[-3000:]
    return folder


def _run(folder: Path, root: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(root / 'tools' / f'{tool}.py'), *arguments],
        cwd=folder,
        env=os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''),
        capture_output=True,
        text=True,
    )


def _trained_and_tested(folder: Path, root: Path, config: str, *options: str) -> dict[str, float]:
    path = str(root / 'configs' / f'{config}.py')
    common = ['--work-dir', config.replace('/', '_'), '--cfg-options']
    done = _run(folder, root, 'train', path, *common, *SHORT, *LOADERS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert 'Modality classifier on' in done.stdout + done.stderr
    done = _run(folder, root, 'test', path, *common, 'test_dataloader.num_workers=2', *options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return json.loads((folder / common[1] / 'test_metrics.json').read_text())


def test_the_classifier_alone(folder: Path, repo_root: Path) -> None:
    metrics = _trained_and_tested(folder, repo_root, 'routing/modality_classifier')
    shares = [metrics[f'routing/{name}'] for name in ('right', 'wrong', 'abstained')]
    assert sum(shares) == pytest.approx(1)
    assert 'routing/fundus/right' in metrics


def test_the_detector_that_finds_the_modality(folder: Path, repo_root: Path) -> None:
    hidden = 'test_dataloader.dataset.modalities=auto'
    metrics = _trained_and_tested(folder, repo_root, 'medglip/all_auto', hidden)
    assert {'coco/AP50', 'routing/accuracy', 'routing/ct/right'} <= set(metrics)
