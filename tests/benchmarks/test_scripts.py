"""Each benchmark runs at a small size and ends in the JSON that it promises."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ['--repeats', '1', '--json']
RATIO = {'ratio', 'ratio_min', 'ratio_max'}
PARITY = {'score_error', 'box_error_px'}


def run(script: Path, options: list[str]) -> dict:
    done = subprocess.run(
        [sys.executable, script, *options],
        cwd=script.parents[1],
        env=os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ('script', 'options', 'keys'),
    [
        pytest.param(
            'inference_vs_mmdet', ['--size', '96', '96', '--batch', '2'], RATIO | PARITY, id='infer'
        ),
        pytest.param(
            'many_labels',
            ['--size', '96', '96', '--phrases', '7', '--chunk', '3'],
            RATIO | PARITY,
            id='many-labels',
        ),
        pytest.param(
            'train_step_vs_mmdet',
            ['--size', '96', '96', '--batch', '1'],
            RATIO | {'memory_ratio', 'activations_ratio', 'loss_error', 'gradient_error'},
            id='train',
        ),
        pytest.param(
            'router_overhead', ['--size', '64', '64'], RATIO | {'memory_ratio'}, id='router'
        ),
        pytest.param(
            'evaluation_vs_pycocotools',
            ['--images', '20'],
            {'ratio_ap_pycocotools', 'ratio_figures_faster_coco_eval', 'ap50_error'},
            id='evaluation',
        ),
        pytest.param(
            'modality_routing',
            ['--steps', '10'],
            {'right', 'wrong', 'abstained', 'without colour', 'abstained: one colour'}
            | {'thumbnail_ms', 'classifier_ms'},
            id='routing',
        ),
        pytest.param(
            'inferencer',
            ['configs/medglip/ct.py', '--images', '6', '--side', '64', '--batch', '2'],
            RATIO | {'peak_mb_first', 'peak_mb_last', 'images'},
            id='inferencer',
        ),
        pytest.param(
            'accelerated_detectors',
            ['--size', '128', '128'],
            {'ATSS with DyHead', 'Grounding DINO, encoder'},
            id='other-detectors',
        ),
    ],
)
def test_benchmark_runs(repo_root, script, options, keys):
    figures = run(repo_root / 'benchmarks' / f'{script}.py', [*options, *SMALL])
    assert keys <= set(figures)
    assert all(math.isfinite(v) for v in figures.values() if not isinstance(v, dict))
    assert figures.get('score_error', 0.0) <= 1e-4
    assert figures.get('box_error_px', 0.0) <= 1e-2
    assert figures.get('loss_error', 0.0) <= 1e-4
    assert figures.get('ap50_error', 0.0) <= 1e-6
