"""Scores of RadEval (Xu et al. 2025, MIT), computed in an environment of its own.

RadEval 2.2.1 needs ``transformers>=5``, the OpenMMLab lines need ``<5``: the two cannot share one
environment. They exchange JSON instead.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .text_scores import TextScores, one_line

__all__ = ['RADEVAL_METRICS', 'radeval_scores']

RADEVAL_METRICS = (
    'bleu', 'rouge', 'bertscore', 'radeval_bertscore', 'f1chexbert', 'f1radbert_ct', 'radgraph',
    'radgraph_radcliq', 'ratescore', 'radcliq', 'srrbert', 'temporal', 'green',
)  # fmt: skip
"""Metrics of RadEval that stay on this machine; those that ask an outside service are left out."""

_WORKER = Path(__file__).with_name('radeval_worker.py')
_INSTALL = (
    'python -m venv .venv-radeval && .venv-radeval/bin/pip install radeval==2.2.1, then pass '
    '--radeval-python .venv-radeval/bin/python'
)


def radeval_scores(
    references: Sequence[str],
    generated: Sequence[str],
    metrics: Sequence[str],
    python: Path | None,
    *,
    allow_download: bool = False,
    seconds: float | None = None,
) -> TextScores:
    """Compare generated reports with references by metrics of RadEval.

    Args:
        references: Reports that are right.
        generated: Reports that are judged, in the same order.
        metrics: Some of :data:`RADEVAL_METRICS`.
        python: Interpreter of the environment of RadEval; None if there is none.
        allow_download: Whether it may fetch weights; if not, those in the cache of Hugging Face
            are used.
        seconds: The longest it may take; None sets no limit.

    Returns:
        ``radeval/<name>`` by RadEval's names, rounded as RadEval does; and a line for each metric
        that cannot be computed, such as one whose weights are not there.

    Raises:
        ValueError: A metric is none of them, or the lists differ in length.
    """
    unknown = [metric for metric in metrics if metric not in RADEVAL_METRICS]
    if unknown:
        raise ValueError(
            f'Unknown or not local metric {unknown[0]!r}; known are {", ".join(RADEVAL_METRICS)}.'
        )
    if len(references) != len(generated):
        raise ValueError(
            f'Expected as many references as generated reports, got {len(references)} and '
            f'{len(generated)}.'
        )
    if python is None:
        return _none(metrics, f'needs RadEval in an environment of its own: {_INSTALL}')
    if not Path(python).is_file():
        return _none(metrics, f'there is no Python at {python}; {_INSTALL}')
    job = {'metrics': [*metrics], 'references': [*references], 'generated': [*generated]}
    environment = {name: os.environ[name] for name in os.environ if name != 'PYTHONPATH'}
    if not allow_download:
        environment |= {'HF_HUB_OFFLINE': '1', 'TRANSFORMERS_OFFLINE': '1'}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'scores.jsonl'
        command = [str(Path(python).absolute()), str(_WORKER), str(out)]
        try:
            done = subprocess.run(
                command,
                input=json.dumps(job),
                env=environment,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
            last = next(iter(done.stderr.strip().splitlines()[-1:]), '')
            ended = f'its process ended with code {done.returncode}: {last}'
        except subprocess.TimeoutExpired:
            ended = f'not done after {seconds} seconds'
        except OSError as error:
            ended = f'{python} cannot be run: {error}'
        answers = _read(out)
    scores = _none([metric for metric in metrics if metric not in answers], ended)
    for metric in metrics:
        if metric in answers:
            scores |= _scores_of(metric, answers[metric])
    return scores


def _none(metrics: Sequence[str], why: str) -> TextScores:
    return TextScores(unavailable={f'radeval/{metric}': one_line(why) for metric in metrics})


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Read whole lines; a torn one was not done."""
    answers = {}
    lines = path.read_text(encoding='utf-8').split('\n')[:-1] if path.is_file() else []
    for line in lines:
        answer = json.loads(line)
        answers[answer['metric']] = answer
    return answers


def _scores_of(metric: str, answer: dict[str, Any]) -> TextScores:
    if 'error' in answer:
        why = answer['error']
        if 'offline' in why.lower() or 'huggingface.co' in why:
            why = f'its weights are not here; --allow-download fetches them ({why:.60})'
        elif why.startswith('ModuleNotFoundError'):
            why = f'the environment of RadEval lacks a module ({why})'
        return _none([metric], why)
    figures: dict[str, float] = answer['figures']
    wrong = [name for name, value in figures.items() if not math.isfinite(value)]
    if wrong or not figures:
        return _none([metric], f'RadEval gave no number for {wrong[0] if wrong else metric}')
    return TextScores({f'radeval/{name}': value for name, value in figures.items()})
