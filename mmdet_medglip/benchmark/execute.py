"""Carry a run out: train, test, and what is already there stays."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.device import get_device
from msgspec.structs import replace

from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.engine.checkpoint_files import newest_whole
from mmdet_medglip.evaluation import load_results

from .command import ToolRunner, Usage
from .plan import Run
from .state import Budget, Stage, lock_run, read_state, write_state

__all__ = ['RESULTS_FILE', 'current_test_parts', 'execute_run', 'last_checkpoint', 'stale_parts']

RESULTS_FILE = 'results.npz'
_CONFIG_FILE = 'config.py'
_POINTER = 'last_checkpoint'

Tell = Callable[[str], None]


def stale_parts(run: Run, *, any_code: bool = False) -> tuple[list[str], list[str]]:
    """Say what has changed since a run's training, and its test, were made.

    Args:
        run: The run.
        any_code: Whether results of other code are taken.

    Returns:
        Names of the changed parts, of the training and of the test; those of a stage that was
        never finished are ``['not finished']``.
    """
    state = read_state(run.folder)
    return (
        _changed(state.train, run.train_parts, any_code) if run.train_parts else [],
        _changed(state.test, current_test_parts(run), any_code),
    )


def current_test_parts(run: Run) -> dict[str, str]:
    """Return what a test depends on; its own weights by what their training depends on."""
    trained = {f'trained {name}': part for name, part in run.train_parts.items()}
    return {**trained, **run.test_parts}


def execute_run(run: Run, programs: ToolRunner, tell: Tell, *, any_code: bool = False) -> None:
    """Train and test a run, but for what is finished; a training that was cut off is resumed.

    Args:
        run: The run; the one that it starts from has been carried out.
        programs: Of the folder of train.py and test.py.
        tell: Called with a line on what is done.
        any_code: Whether results of other code are taken.

    Raises:
        CommandError: If training or test fails.
        BlockingIOError: If another program works in its folder.
        ValueError: If its state is damaged.
    """
    with lock_run(run.folder) as lock:
        stale_train, stale_test = stale_parts(run, any_code=any_code)
        if stale_train:
            _train(run, programs, lock, tell, any_code)
        if stale_train or stale_test:
            tell(f'{run.name}: test')
            _test(run, programs, lock)
        else:
            tell(f'{run.name}: finished before')


def _train(run: Run, programs: ToolRunner, lock: int, tell: Tell, any_code: bool) -> None:
    work_dir = run.folder / 'train'
    stage = read_state(run.folder).train
    parts = dict(run.train_parts)
    cut_off = stage is not None and not stage.done and not _ignoring(stage, parts, any_code)
    resume = cut_off and (work_dir / _POINTER).is_file()
    if resume and stage is not None:
        # What came after the last checkpoint is lost, and its time with it.
        kept = (work_dir / _POINTER).stat().st_mtime - stage.started
        before = stage.seconds + max(0.0, kept)
        tell(f'{run.name}: training goes on from {last_checkpoint(work_dir).name}')
    else:
        if stage is not None and not cut_off:
            changed = ', '.join(_ignoring(stage, parts, any_code)) or 'nothing'
            tell(f'{run.name}: training again, changed: {changed}')
        else:
            tell(f'{run.name}: training')
        shutil.rmtree(work_dir, ignore_errors=True)
        before = 0.0
    stage = Stage(parts, started=time.time(), seconds=before, device=_device())
    write_state(run.folder, replace(read_state(run.folder), train=stage, test=None))
    config = _write_config(run)
    arguments = [str(config), '--work-dir', str(work_dir), *(['--resume'] if resume else [])]
    log = run.folder / 'train.log'
    usage = programs.run('train.py', arguments, log, keep_open=[lock])
    stage = replace(
        _with_usage(stage, usage),
        budget=_budget(run, work_dir),
        peak_gpu_memory=_gpu_memory(work_dir),
    )
    write_state(run.folder, replace(read_state(run.folder), train=stage))


def _test(run: Run, programs: ToolRunner, lock: int) -> None:
    work_dir, results = run.folder / 'test', run.folder / RESULTS_FILE
    shutil.rmtree(work_dir, ignore_errors=True)
    results.unlink(missing_ok=True)
    stage = Stage(current_test_parts(run), started=time.time(), device=_device())
    write_state(run.folder, replace(read_state(run.folder), test=stage))
    arguments = [str(_write_config(run)), str(_tested_checkpoint(run)), '--work-dir', str(work_dir)]
    arguments += ['--results', str(results)]
    usage = programs.run('test.py', arguments, run.folder / 'test.log', keep_open=[lock])
    rate = _images_per_second(run, work_dir, len(load_results(results)))
    stage = replace(_with_usage(stage, usage), images_per_second=rate)
    write_state(run.folder, replace(read_state(run.folder), test=stage))


def _changed(stage: Stage | None, parts: Mapping[str, str], any_code: bool) -> list[str]:
    if stage is None or not stage.done:
        return ['not finished']
    return _ignoring(stage, dict(parts), any_code)


def _ignoring(stage: Stage, parts: dict[str, str], any_code: bool) -> list[str]:
    return [name for name in stage.changed(parts) if not (any_code and name.endswith('code'))]


def _write_config(run: Run) -> Path:
    """Write the config of a run, as train.py and test.py take it."""
    config = run.config.copy()
    if run.parent is not None:
        config.load_from = str(_tested_checkpoint(run.parent))
    path = run.folder / _CONFIG_FILE
    config.dump(str(path))
    return path


def _tested_checkpoint(run: Run) -> str | Path:
    if run.train_parts:
        return last_checkpoint(run.folder / 'train')
    return _tested_checkpoint(run.parent) if run.parent else str(run.config.load_from)


def last_checkpoint(work_dir: Path) -> Path:
    """Return the newest whole checkpoint of a training, also in a folder that was moved.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = newest_whole(work_dir).path
    if found is None:
        raise FileNotFoundError(
            f'{work_dir} holds no whole checkpoint; remove the folder to train again.'
        )
    return found


def _with_usage(stage: Stage, usage: Usage) -> Stage:
    seconds = stage.seconds + usage.seconds
    return replace(stage, status='done', seconds=seconds, peak_memory=usage.peak_memory)


def _budget(run: Run, work_dir: Path) -> Budget:
    meta = load_checkpoint(last_checkpoint(work_dir)).get('meta', {})
    iterations = int(meta.get('iter', 0))
    size = int(run.config.train_dataloader.batch_size)
    return Budget(int(meta.get('epoch', 0)), iterations, iterations * size)


def _gpu_memory(work_dir: Path) -> int:
    """Return the largest memory on an accelerator that the logs tell, in bytes."""
    rows = [row for path in work_dir.glob('*/vis_data/scalars.json') for row in _rows(path)]
    return max((int(row.get('memory', 0)) for row in rows), default=0) << 20


def _images_per_second(run: Run, work_dir: Path, images: int) -> float | None:
    """Return the rate that the log of a test tells, with loading."""
    rows = [row for path in sorted(work_dir.glob('*/*.json')) for row in _rows(path)]
    times = [float(row['time']) for row in rows if row.get('time')]
    batches = -(-images // int(run.config.test_dataloader.batch_size))
    return images / (times[-1] * batches) if times and batches else None


def _rows(path: Path) -> list[dict[str, Any]]:
    """Read a log of JSON objects, one a line; a line that was cut off is left out."""
    rows = []
    for line in path.read_text(errors='replace').splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        rows += [row] if isinstance(row, dict) else []
    return rows


def _device() -> str:
    import torch

    device = str(get_device())
    if device == 'cuda':
        return str(torch.cuda.get_device_name())
    return f'{device}, {torch.get_num_threads()} threads'
