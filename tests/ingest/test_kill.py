"""An ingest that is killed again and again gives the bytes of one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from mmdet_medglip.store import GroundingStore

KILLS = 20


@pytest.fixture
def sources(tmp_path: Path, polyp_source: Callable) -> list[Path]:
    """Recipes of two image sources and one of volumes."""
    recipes = [polyp_source(count=600), polyp_source('more', count=300, seed=1)]
    root = tmp_path / 'raw' / 'volumes'
    rng = np.random.default_rng(0)
    for folder in ('imagesTr', 'labelsTr'):
        (root / folder).mkdir(parents=True)
    for number in range(24):
        values = rng.normal(40, 200, (96, 96, 24)).astype(np.int16)
        labels = np.zeros(values.shape, np.uint8)
        labels[20:60, 30:70, 4:20] = 1
        for folder, name, array in (
            ('imagesTr', f'v{number:02d}_0000', values),
            ('labelsTr', f'v{number:02d}', labels),
        ):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), root / folder / f'{name}.nii.gz')
    volumes = {'name': 'volumes', 'title': 'Volumes made for tests', 'root': 'volumes'}
    volumes |= {'reader': 'NiftiReader', 'modality': 'ct', 'names': {'liver': 1}}
    volumes |= {'url': 'https://example.org', 'licence': 'CC0-1.0'}
    paths = []
    for recipe in (*recipes, volumes):
        path = tmp_path / f'{recipe["name"]}.yaml'
        path.write_text(yaml.safe_dump(recipe))
        paths.append(path)
    return paths


def command(repo_root: Path, sources: list[Path], out: Path) -> list[str]:
    words = [sys.executable, repo_root / 'tools' / 'ingest.py', 'run', *sources]
    words += ['--data-root', out.parent / 'raw', '--out', out, '--workers', '2', '--name', 's']
    return [str(word) for word in (*words, '--no-card')]


def content(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob('*')) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_twenty_kills(tmp_path: Path, repo_root: Path, sources: list[Path]) -> None:
    whole = command(repo_root, sources, tmp_path / 'whole')
    start = time.monotonic()
    subprocess.run(whole, check=True, capture_output=True)
    duration = time.monotonic() - start
    sizes = {600, 900, len(GroundingStore(tmp_path / 'whole'))}
    chance = random.Random(7)
    killed = finished = 0
    out = tmp_path / 'store'
    while killed < KILLS:
        process = subprocess.Popen(
            command(repo_root, sources, out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(chance.uniform(0.3, 0.9) * duration)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
            if (out / 'store.json').is_file():
                store = GroundingStore(out)
                assert store.verify() == ()
                assert len(store) in sizes
        else:
            assert process.returncode == 0
            assert content(out) == content(tmp_path / 'whole')
            out.rename(tmp_path / f'done-{finished}')
            finished += 1
    subprocess.run(command(repo_root, sources, out), check=True, capture_output=True)
    assert content(out) == content(tmp_path / 'whole')
    assert not (out / '.ingest').exists()
