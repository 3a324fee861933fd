"""Answers of a model of a config, trained and tested as by tools/train.py and tools/test.py."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.engine.config import check_data, check_weights, load_config
from mmdet_medglip.engine.launch import build_runner, find_resume
from mmdet_medglip.engine.num_classes import dicts_of
from mmdet_medglip.store.durable import file_sha256

__all__ = ['TrainedAnswers']

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_FILE = 'said.jsonl'


class TrainedAnswers:
    """Train the model of a config once for each condition and seed; nothing else differs.

    All runs share this process: what is loaded once serves all.

    Args:
        config: Path of the config; its data sets take ``regions``, its last test metric
            ``out_file``.
        options: Overrides, as of ``--cfg-options``.

    Raises:
        FileNotFoundError: If config, data or weights are missing.
        ValueError: If the config has no data set with ``regions``.
    """

    def __init__(self, config: str | Path, options: Mapping[str, Any] | None = None) -> None:
        self._path, self._options = config, dict(options or {})
        plain = load_config(config, self._options)
        check_data(plain, *_LOADERS)
        check_weights(plain)
        if not list(_with_regions(plain)):
            raise ValueError(
                f'{config} has no data set with regions=dict(source=...); ablate a config like '
                'configs/downstream/ct_vqa.py.'
            )

    def config(self, condition: str, seed: int) -> Config:
        """Return the config of one run; without detected boxes, it has no bounds for them."""
        config = load_config(self._path, self._options)
        for dataset in _with_regions(config):
            dataset.regions.source = condition
            if condition not in _DETECTED:
                for bound in ('min_score', 'max_regions'):
                    dataset.regions.pop(bound, None)
        config.randomness = dict(seed=seed)
        return config

    def parts(self, condition: str, seed: int) -> dict[str, str]:
        """Return digests of the config and of every file that its data sets and model name."""
        config = self.config(condition, seed)
        parts = {'config': hashlib.sha256(config.pretty_text.encode()).hexdigest()}
        for path in sorted(_files(config)):
            parts[str(path)] = file_sha256(path)
        return parts

    def answer(self, condition: str, seed: int, folder: Path) -> Path:
        """Train, going on where an interrupted training stopped, and test."""
        config, out = self.config(condition, seed), folder / _FILE
        evaluator = config.test_evaluator
        metric = evaluator[-1] if isinstance(evaluator, (list, tuple)) else evaluator
        metric.out_file = str(out)
        config.work_dir = str(folder / 'train')
        config.launcher = 'none'
        config.log_level = 'WARNING'  # losses are in vis_data of the work folder
        # mmengine keeps loggers by this name: each run needs its own.
        config.experiment_name = f'{Path(self._path).stem}_{condition}_{seed}_{time.time_ns()}'
        find_resume(config, 'auto')
        config.train_cfg.val_begin = config.train_cfg.max_epochs + 1  # tested, not validated
        folder.mkdir(parents=True, exist_ok=True)
        config.dump(str(folder / 'config.py'))
        runner = build_runner(config)
        runner.train()
        runner.test()
        return out


def _with_regions(config: Config) -> Iterator[Any]:
    for loader in _LOADERS:
        for node in dicts_of(config.get(loader)):
            if isinstance(node.get('regions'), dict):
                yield node


def _files(config: Config) -> set[Path]:
    """Return the files, inside its data folders, and the weights that a config starts from."""
    found = set()
    for node in _with_regions(config):
        root = Path(node['data_root'])
        names = node['ann_file']
        found |= {root / name for name in ([names] if isinstance(names, str) else names)}
        found.add(root / 'store.json')
        if node['regions'].get('predicted') and node['regions']['source'] in _DETECTED:
            found.add(root / node['regions']['predicted'])
    for node in dicts_of(config.model):
        init = node.get('init_cfg')
        if isinstance(init, dict) and init.get('checkpoint'):
            found.add(Path(init['checkpoint']))
    return found


_DETECTED = ('predicted', 'shuffled')
