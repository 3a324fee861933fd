"""Runs of a suite: one for each entry and seed, with its config and what its result depends on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.engine.config import check_weights, load_config
from mmdet_medglip.store.durable import file_sha256
from mmdet_medglip.text import resolve_language_model

from .data import store_digest
from .suite import Entry, Suite

__all__ = ['Run', 'code_digest', 'plan_runs']

PACKAGE = Path(__file__).resolve().parents[1]
_TEST_KEYS = ('test_dataloader', 'test_evaluator', 'test_cfg')
_NO_RESULT = (
    *_TEST_KEYS, 'test_pipeline', 'data_root', 'work_dir', 'launcher', 'resume', 'load_from',
    'visualizer', 'vis_backends', 'log_level', 'log_processor', 'weights_command',
)  # fmt: skip
"""Keys of a config that the weights do not depend on, or that are compared apart."""

_NOT_TRAINED = (
    'apis', 'benchmark', 'browser', 'cli', 'dicom_out', 'downstream', 'evaluation', 'export',
    'ingest', 'packaging', 'pages', 'testing', 'visualization', 'volumes',
)  # fmt: skip
_TESTED = ('evaluation',)
_WEIGHTS = 'test weights'
_LIBRARIES = ('torch', 'mmengine', 'mmcv', 'mmdet')


@dataclass(frozen=True, eq=False)
class Run:
    """One entry with one seed.

    Attributes:
        entry: The entry.
        seed: Of its training.
        folder: Of everything it writes.
        config: Complete config, but for the checkpoint of ``after``.
        parent: Run whose checkpoint it starts from; None if there is none.
        train_parts: Digests of what its weights depend on; empty if it is not trained.
        test_parts: Digests of what its test depends on, beside its weights.
        lack: Why it cannot run; empty if it can.
    """

    entry: Entry
    seed: int
    folder: Path
    config: Config
    parent: Run | None
    train_parts: Mapping[str, str]
    test_parts: Mapping[str, str]
    lack: str = ''

    @property
    def name(self) -> str:
        """Entry and seed in words."""
        return f'{self.entry.name} seed {self.seed}'

    @property
    def trained(self) -> Run | None:
        """Run whose training made the weights that are tested; None if no run did."""
        return self if self.train_parts else self.parent and self.parent.trained


def plan_runs(
    suite: Suite,
    entries: Sequence[Entry],
    stores: Mapping[str, Path],
    out: Path,
    repository: Path,
) -> list[Run]:
    """Plan the runs of entries, an entry after those that it starts from.

    Args:
        suite: The suite.
        entries: Its entries that are to run, with what they start from.
        stores: Folder of each store that they need.
        out: Folder of the benchmark.
        repository: Folder that holds ``configs``.

    Returns:
        A run for each entry and seed.

    Raises:
        FileNotFoundError: If a config does not exist.
        ValueError: If an override does not fit a config, or a store is damaged.
    """
    digests = {name: store_digest(root) for name, root in stores.items()}
    code = {kind: code_digest(kind) for kind in ('train', 'test')}
    runs: dict[tuple[str, int], Run] = {}
    for entry in entries:
        for seed in suite.seeds:
            parent = runs[entry.after, seed] if entry.after else None
            config = _resolve(suite, entry, seed, stores, repository)
            lack = _lack(config, entry, parent)
            weights = '' if lack else _weights(config, parent)
            trained = {
                'config': _config_digest(config, stores, trained=True),
                'data': digests[entry.train_on] if entry.train_on else '',
                'weights': weights,
                'code': code['train'],
            }
            tested = {
                'test config': _config_digest(config, stores, trained=False),
                'test data': digests[suite.test_on],
                _WEIGHTS: weights if entry.train_on is None else '',
                'test code': _digest([code['train'], code['test']]),
            }
            runs[entry.name, seed] = Run(
                entry=entry,
                seed=seed,
                folder=out.absolute() / 'runs' / entry.name / f'seed-{seed}',
                config=config,
                parent=parent,
                train_parts=trained if entry.train_on else {},
                test_parts=tested,
                lack=lack,
            )
    return list(runs.values())


def _resolve(
    suite: Suite, entry: Entry, seed: int, stores: Mapping[str, Path], repository: Path
) -> Config:
    path = repository / entry.config
    options = {**suite.cfg_options, **entry.cfg_options}
    tested = str(stores[suite.test_on])
    trained = str(stores[entry.train_on]) if entry.train_on else tested
    with _environment_of(entry):
        config = load_config(path, {'data_root': trained, **options})
        if trained != tested:
            other = load_config(path, {'data_root': tested, **options})
            for key in _TEST_KEYS:
                config[key] = other[key]
    if suite.image_size is not None:
        _resize(config, suite.image_size)
    config.randomness = dict(config.get('randomness') or {}, seed=seed)
    config.resume = False
    if entry.after:
        config.load_from = None
    elif entry.weights:
        weights = entry.weights
        config.load_from = weights if '://' in weights else str(Path(weights).absolute())
    if entry.weights_command:
        config.weights_command = entry.weights_command
    return config


def _resize(config: Config, side: int) -> None:
    config.image_size = (side, side)
    sizes = {'Resize': 'scale', 'Pad': 'size'}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for step in config.get(loader, {}).get('dataset', {}).get('pipeline', ()):
            if step['type'] in sizes:
                step[sizes[step['type']]] = (side, side)


def _lack(config: Config, entry: Entry, parent: Run | None) -> str:
    if parent is not None and parent.lack:
        return f'{parent.entry.name} is left out'
    try:
        check_weights(config)
    except FileNotFoundError as error:
        return str(error)
    return ''


def _weights(config: Config, parent: Run | None) -> str:
    """Return a digest of the weights that a run starts from; empty for random ones."""
    if parent is not None:
        made = parent.trained
        return _digest(sorted(made.train_parts.items())) if made else parent.test_parts[_WEIGHTS]
    named = config.get('load_from')
    if not named:
        return ''
    return named if '://' in named else file_sha256(Path(named))


def _config_digest(config: Config, stores: Mapping[str, Path], *, trained: bool) -> str:
    """Digest of what training, or the test alone, reads; where the stores are does not matter."""
    content = config.to_dict()
    kept = (
        {key: value for key, value in content.items() if key not in _NO_RESULT}
        if trained
        else {key: content.get(key) for key in (*_TEST_KEYS, 'model')}
    )
    text = json.dumps(kept, sort_keys=True, default=str)
    for name, root in stores.items():
        text = text.replace(json.dumps(str(root))[1:-1], f'store {name}')
    return _digest([text])


def code_digest(kind: str) -> str:
    """Return a digest of the code that training ('train') or the metrics ('test') run.

    It covers this package's modules and data files and the versions of PyTorch and OpenMMLab.
    """
    files = sorted(
        path
        for path in PACKAGE.rglob('*')
        if path.suffix in ('.py', '.yaml', '.json', '.txt') and path.is_file()
        if (path.relative_to(PACKAGE).parts[0] in _TESTED) == (kind == 'test')
        if kind == 'test' or path.relative_to(PACKAGE).parts[0] not in _NOT_TRAINED
    )
    named = [f'{path.relative_to(PACKAGE)} {file_sha256(path)}' for path in files]
    return _digest([*named, *_versions()])


def _versions() -> Iterator[str]:
    packages = importlib.metadata.packages_distributions()
    for library in _LIBRARIES:
        for package in sorted(set(packages.get(library, ()))):
            yield f'{package} {importlib.metadata.version(package)}'


def _digest(parts: Any) -> str:
    return hashlib.sha256('\n'.join(map(str, parts)).encode()).hexdigest()[:32]


@contextmanager
def _environment_of(entry: Entry) -> Iterator[None]:
    """Set the variables that the config of an entry reads; those that are set already win."""
    added = {
        name: str(resolve_language_model('bundled')) if value == 'bundled' else value
        for name, value in entry.environment.items()
        if name not in os.environ
    }
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
