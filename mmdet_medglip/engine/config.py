"""Read a config with one variable for the data, and check its inputs before anything is built.

mmengine resolves ``data_root`` into the nested dicts of a config while the file is read, so an
override of the variable alone would reach none of them. Here it does: see :func:`load_config`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.engine.num_classes import dicts_of, fill_num_classes
from mmdet_medglip.engine.tasks import expand_tasks

__all__ = ['check_data', 'check_weights', 'default_work_dir', 'load_config']

CONFIG_FOLDER = 'configs'


def load_config(path: str | Path, cfg_options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file and apply overrides; ``data_root`` reaches every data set in it.

    A new ``data_root`` replaces the file's wherever a string of the config, at any depth and
    inside any wrapper, is that folder or a path under it. Other overrides are applied after it,
    so one data set can still be given a folder of its own. An entry ``tasks`` is then replaced by
    the data loaders that it means, see :func:`~mmdet_medglip.engine.tasks.expand_tasks`, and
    ``num_classes='auto'`` in the model by the number of labels of the training data.

    Args:
        path: Config file.
        cfg_options: Dotted keys and values, as ``--cfg-options`` yields them.

    Returns:
        The config.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If ``data_root`` is overridden in a config that has none, ``tasks`` is bad, or
            there are no labels to count.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'Config {path} does not exist; the configs are listed by `find configs/medglip`.'
        )
    config = Config.fromfile(str(path))
    options = dict(cfg_options or {})
    if 'data_root' in options:
        old, new = config.get('data_root'), str(options.pop('data_root'))
        if not isinstance(old, str):
            raise ValueError(
                f'{path} has no top-level data_root to override with {new!r}; name the data set, '
                'for example train_dataloader.dataset.data_root=...'
            )
        _move_paths(config._cfg_dict, old, new)
        config.data_root = new
    config.merge_from_dict(options)
    expand_tasks(config)
    fill_num_classes(config)
    return config


def _move_paths(node: Any, old: str, new: str) -> Any:
    """Return ``node`` with paths under folder ``old`` moved to ``new``; dicts change in place."""
    if isinstance(node, dict):
        for key in list(node):
            node[key] = _move_paths(node[key], old, new)
        return node
    if isinstance(node, (list, tuple)):
        return type(node)(_move_paths(item, old, new) for item in node)
    if isinstance(node, str):
        folder = old.rstrip('/')
        if node.rstrip('/') == folder:
            return new
        if node.startswith(f'{folder}/'):
            return os.path.join(new, node[len(folder) + 1 :])
    return node


def default_work_dir(path: str | Path) -> str:
    """Return ``work_dirs/`` plus the config's path below ``configs/``.

    Two configs of one name, such as ``medglip/ct.py`` and ``baselines/ct.py``, so never share a
    folder. A config outside ``configs/`` gives its stem only.

    Example:
        >>> default_work_dir('configs/medglip/ct.py')
        'work_dirs/medglip/ct'
        >>> default_work_dir('/home/me/mine.py')
        'work_dirs/mine'
    """
    parts = Path(path).with_suffix('').parts
    if CONFIG_FOLDER in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index(CONFIG_FOLDER)
        parts = parts[last + 1 :]
    else:
        parts = parts[-1:]
    return str(Path('work_dirs', *parts))


def check_data(config: Config, *loaders: str) -> None:
    """Check that the data folders of the data loaders exist.

    Args:
        config: A loaded config.
        loaders: Names such as ``'train_dataloader'``; those that are absent or None are skipped.

    Raises:
        FileNotFoundError: If a folder is missing; the message has the command that makes one.
    """
    for loader in loaders:
        for node in dicts_of(config.get(loader)):
            root = node.get('data_root')
            if isinstance(root, str) and root and '://' not in root and not Path(root).exists():
                raise FileNotFoundError(
                    f'The data folder {root} of {loader} does not exist. Make the demo data with '
                    '`python tools/make_demo_data.py`, or convert your own with '
                    '`python tools/ingest.py --recipe RECIPE --data-root FOLDER --out STORE` and '
                    'pass `--cfg-options data_root=STORE`.'
                )


def check_weights(config: Config) -> None:
    """Check that the weight files a config starts from exist.

    Looks at ``load_from`` and at every ``init_cfg`` checkpoint. A config that needs converted
    weights says how to get them in its top-level variable ``weights_command``.

    Args:
        config: A loaded config.

    Raises:
        FileNotFoundError: If a local file is missing; the message has the command.
    """
    named = [('load_from', config.get('load_from'))]
    for node in dicts_of(config.get('model')):
        init = node.get('init_cfg')
        if isinstance(init, dict):
            named.append(('init_cfg', init.get('checkpoint')))
    for key, value in named:
        if not isinstance(value, str) or not value or '://' in value or Path(value).is_file():
            continue
        command = config.get('weights_command')
        how = (
            f'Get it with `{command}`.'
            if command
            else 'Fetch it, or convert a checkpoint with the scripts in tools/model_converters, or '
            'train from scratch with `--cfg-options load_from=None`.'
        )
        raise FileNotFoundError(f'The weights {value} ({key}) do not exist. {how}')
