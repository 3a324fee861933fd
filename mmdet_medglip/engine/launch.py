"""What the training and test programs share: options, preparation, runner."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.dist import get_rank
from mmengine.runner import Runner

from mmdet_medglip.engine.checkpoint import use_safe_checkpoints
from mmdet_medglip.engine.checkpoint_files import FoundCheckpoint, newest_whole
from mmdet_medglip.engine.config import check_data, default_work_dir, load_config
from mmdet_medglip.registry import RUNNERS

__all__ = [
    'add_checkpoint_option',
    'add_common_options',
    'build_runner',
    'find_checkpoint',
    'find_resume',
    'is_main_process',
    'leave_process_group',
    'read_config',
    'read_test_config',
]


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that MMDetection's programs share."""
    parser.add_argument('config', help='config file, for example configs/medglip/ct.py')
    parser.add_argument(
        '--work-dir',
        help="folder of logs and checkpoints; default: the config's work_dir, else "
        "work_dirs/ plus the config's path below configs/",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override entries of the config, nested by dots; data_root=FOLDER reaches every data '
        'set. A list is key="[a,b]" or key=a,b, without spaces',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes of a distributed run were started',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_checkpoint_option(parser: argparse.ArgumentParser) -> None:
    """Add the weights that programs which test a model take."""
    parser.add_argument(
        'checkpoint', nargs='?', help='weights; default: the newest in the work folder'
    )


def read_config(args: argparse.Namespace) -> Config:
    """Read the config that the common options name.

    Args:
        args: With ``config, cfg_options, work_dir, launcher, local_rank``.

    Returns:
        The config with ``work_dir`` and ``launcher`` set.

    Raises:
        FileNotFoundError: If the config does not exist.
        ValueError: If an override does not fit the config.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config = load_config(args.config, args.cfg_options)
    config.launcher = args.launcher
    if args.work_dir is not None:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = default_work_dir(args.config)
    return config


def find_checkpoint(config: Config, named: str | None, config_file: str) -> str:
    """Return the checkpoint to test: the named one, else the newest whole one of the work folder.

    Raises:
        FileNotFoundError: If there is none; the message has the command that makes one.
    """
    if named is None:
        found = newest_whole(config.work_dir)
        if found.path is None:
            damaged = f' that is whole ({_told(found)})' if found.faults else ''
            raise FileNotFoundError(
                f'{config.work_dir} holds no checkpoint{damaged}; train one with '
                f'`python tools/train.py {config_file}`, or name a checkpoint.'
            )
        named = str(found.path)
    if '://' not in named and not Path(named).is_file():
        raise FileNotFoundError(
            f'Checkpoint {named} does not exist; train one with '
            f'`python tools/train.py {config_file}`.'
        )
    return named


def find_resume(config: Config, named: str | None) -> None:
    """Set where a training goes on.

    Args:
        config: Its ``resume`` and ``load_from`` are set. Without a checkpoint in the work folder
            training begins, from the config's own ``load_from``: the first start of a job that is
            always called with ``--resume``.
        named: A checkpoint, or ``'auto'`` for the newest whole one of the work folder; None
            changes nothing.

    Raises:
        ValueError: There are checkpoints, and none of them is whole.
    """
    if named is None:
        return
    if named != 'auto':
        config.resume, config.load_from = True, named
        return
    found = newest_whole(config.work_dir)
    if found.path is None and found.faults:
        raise ValueError(
            f'{config.work_dir} has no checkpoint that is whole ({_told(found)}); remove the '
            'damaged ones to train from the beginning, or name a checkpoint.'
        )
    config.resume = found.path is not None
    if found.path is not None:
        config.load_from = str(found.path)


def _told(found: FoundCheckpoint) -> str:
    return '; '.join(f'{path.name}: {fault}' for path, fault in found.faults)


def read_test_config(args: argparse.Namespace, *data: str) -> Config:
    """Read the config of a program that tests a model, with its data and weights checked.

    Args:
        args: Of :func:`add_common_options` and :func:`add_checkpoint_option`.
        data: Entries of the config whose data folders must exist, such as ``'test_dataloader'``.

    Returns:
        The config, whose ``load_from`` is the checkpoint.

    Raises:
        FileNotFoundError: If the config, the data or the checkpoint is missing.
        ValueError: If an override does not fit the config.
    """
    config = read_config(args)
    check_data(config, *data)
    config.load_from = find_checkpoint(config, args.checkpoint, args.config)
    return config


_RANKS = dict(slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def is_main_process(launcher: str = 'none') -> bool:
    """Tell whether this is rank 0, also before the process group exists.

    Args:
        launcher: Which one started the processes; until there is a group, its variable has the
            rank. A plain run within a job of Slurm has Slurm's variable too, and is rank 0.
    """
    return get_rank() == 0 and os.environ.get(_RANKS.get(launcher, 'RANK'), '0') == '0'


def _use_gloo(config: Config) -> None:
    """Prepare a distributed run without an accelerator.

    mmengine's launcher selects a CUDA device and hands device ids to the model wrapper; neither
    works on a CPU. A process group that already exists is left alone by the runner.
    """
    if config.get('launcher', 'none') != 'pytorch' or get_device() != 'cpu':
        return
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper: dict[str, Any] = config.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=config.get('find_unused_parameters', False),
    )
    config.model_wrapper_cfg = dict(wrapper, device_ids=None)


def build_runner(config: Config) -> Runner:
    """Build the runner of a config; every checkpoint it reads is read without running code.

    Args:
        config: A config from :func:`read_config`.

    Returns:
        An mmengine runner, or the type named by the config's ``runner_type``.
    """
    use_safe_checkpoints()
    _use_gloo(config)
    if 'runner_type' in config:
        return RUNNERS.build(config)
    return Runner.from_cfg(config)


def leave_process_group() -> None:
    """Wait for the other processes of a distributed run, then leave; nothing for a single one.

    A process that exits with its group open can abort while another still talks to it.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
