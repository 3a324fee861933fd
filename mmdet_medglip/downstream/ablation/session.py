"""Carry an ablation out, one condition and seed after another; what is finished stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from mmdet_medglip.benchmark.state import lock_run
from mmdet_medglip.store.durable import replace_file

from .answer_source import AnswerSource

__all__ = ['collect_answers']

_STATE = 'state.json'


def collect_answers(
    answers: AnswerSource,
    conditions: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, dict[int, Path]]:
    """Have everything answered under each condition and seed.

    A run whose folder says that it was finished, of the same parts, is not done again. One that was
    interrupted goes on; one of other parts starts anew.

    Args:
        answers: The model.
        conditions: At least one.
        seeds: At least one.
        out: Folder; a run has ``out/<condition>/seed_<n>``.
        tell: Called with a line on what is done.

    Returns:
        File of answers by condition and seed.

    Raises:
        BlockingIOError: If another program works in the folder of a run.
        ValueError: If the state of a run is damaged.
    """
    found: dict[str, dict[int, Path]] = {}
    # Seed by seed, so that an ablation that is stopped has whole comparisons.
    for seed in seeds:
        for condition in conditions:
            folder = out / condition / f'seed_{seed}'
            found.setdefault(condition, {})[seed] = _run(answers, condition, seed, folder, tell)
    return found


def _run(
    answers: AnswerSource, condition: str, seed: int, folder: Path, tell: Callable[[str], None]
) -> Path:
    parts, name = dict(answers.parts(condition, seed)), f'{condition}, seed {seed}'
    with lock_run(folder):
        state = _read(folder / _STATE)
        changed = [part for part in {**state.get('parts', {}), **parts}
                   if state.get('parts', {}).get(part) != parts.get(part)]  # fmt: skip
        file = folder / str(state.get('file', ''))
        if not changed and state.get('file') and file.is_file():
            tell(f'{name}: finished before')
            return file
        if changed and state:
            tell(f'{name}: again, changed: {", ".join(Path(part).name for part in changed)}')
            for path in folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
        else:
            tell(f'{name}: {"goes on" if state else "begins"}')
        _write(folder / _STATE, {'parts': parts})
        file = answers.answer(condition, seed, folder)
        _write(folder / _STATE, {'parts': parts, 'file': str(file.relative_to(folder))})
    return file


def _read(path: Path) -> dict:
    if not path.is_file():
        return {}
    try:
        state = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); remove it to run again.') from None
    if not isinstance(state, dict):
        raise ValueError(f'{path} is damaged; remove it to run again.')
    return state


def _write(path: Path, state: dict) -> None:
    replace_file(path, (json.dumps(state, indent=2) + '\n').encode())
