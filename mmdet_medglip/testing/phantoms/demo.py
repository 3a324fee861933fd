"""Make the demo data: phantoms in native files, and the store that the ingest makes of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from mmdet_medglip.ingest import SourceReport, load_recipe, run_ingest

from . import SPECS, draw_patient
from .native import finish_dataset, write_patient

__all__ = ['RECIPES', 'STAMP', 'make_demo_data', 'write_raw']

RECIPES = Path(__file__).with_name('recipes')
"""Folder of the recipes, one ``<modality>.yaml`` each, with roots relative to ``raw``."""

STAMP = 'demo.json'
"""File that marks a folder as demo data and tells how it was made."""


def make_demo_data(
    out: str | Path,
    *,
    modalities: Sequence[str] | None = None,
    patients: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> list[SourceReport]:
    """Write ``out/raw`` (native files), ``out/store`` and ``out/demo.json``.

    The same arguments give the same bytes. Everything is made in a folder beside ``out`` that
    takes its place at the end, so that ``out`` is whole or as it was.

    Args:
        out: Folder to make; an earlier demo data set there is replaced, anything else is not.
        modalities: Modality ids; None makes all.
        patients: Patients per modality, at least 1; None takes each modality's own number.
        seed: Seed of all phantoms, at least 0. The split follows the patient's number only.
        jobs: Processes that draw; 1 draws in this one.

    Returns:
        What went into the store, one report per modality.

    Raises:
        FileExistsError: If ``out`` holds anything that is not demo data.
        ValueError: If a modality is unknown or a number out of range.
    """
    chosen = _check(modalities, patients, seed, jobs)
    out = Path(out).absolute()
    if out.exists() and not (out / STAMP).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f'{out} exists and holds no demo data ({STAMP} is missing); choose another folder or '
            'remove it.'
        )
    partial = out.with_name(f'.{out.name}.partial-{os.getpid()}')
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        write_raw(partial / 'raw', chosen, patients=patients, seed=seed, jobs=jobs)
        recipes = [load_recipe(RECIPES / f'{modality}.yaml') for modality in chosen]
        reports = run_ingest(
            recipes, partial / 'raw', partial / 'store', name='demo', engine='serial'
        )
        stamp = {'modalities': chosen, 'patients': patients, 'seed': seed}
        (partial / STAMP).write_text(json.dumps(stamp) + '\n', encoding='utf-8')
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return reports


def write_raw(
    root: Path,
    modalities: Sequence[str],
    *,
    patients: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> None:
    """Write phantoms in their native formats, one folder per modality.

    Args:
        root: Folder of the raw data.
        modalities: Modality ids, each one of ``SPECS``.
        patients: Patients per modality; None takes each modality's own number.
        seed: Seed of the phantoms.
        jobs: Processes that draw; 1 draws in this one.
    """
    tasks = [
        (name, root / name, patient, seed)
        for name in modalities
        for patient in range(patients or SPECS[name].patients)
    ]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in modalities}
    for (name, *_), written in zip(tasks, _run(tasks, jobs), strict=True):
        rows[name] += written
    for name in modalities:
        finish_dataset(SPECS[name], root / name, rows[name])


_Task = tuple[str, Path, int, int]


def _write_one(task: _Task) -> list[dict[str, Any]]:
    modality, folder, patient, seed = task
    images = draw_patient(modality, patient, seed=seed)
    return write_patient(SPECS[modality], folder, patient, images)


def _run(tasks: list[_Task], jobs: int) -> Iterator[list[dict[str, Any]]]:
    """Write patients in this process or several; yield in the order of the tasks."""
    if jobs == 1:
        yield from map(_write_one, tasks)
        return
    # A fork needs no second import; the children use NumPy and SciPy only, no threads.
    context = multiprocessing.get_context('fork' if sys.platform == 'linux' else 'spawn')
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context) as pool:
        yield from pool.map(_write_one, tasks, chunksize=4)


def _check(
    modalities: Sequence[str] | None, patients: int | None, seed: int, jobs: int
) -> list[str]:
    """Check the arguments; return the modalities in their usual order."""
    for name in modalities or ():
        if name not in SPECS:
            raise ValueError(f"no phantoms of modality '{name}'; known are {', '.join(SPECS)}.")
    for field, value, least in (('patients', patients, 1), ('seed', seed, 0), ('jobs', jobs, 1)):
        if value is not None and value < least:
            raise ValueError(f"'{field}' must be at least {least}, got {value}.")
    return [name for name in SPECS if modalities is None or name in modalities]
