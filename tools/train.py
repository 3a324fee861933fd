"""Train a model.

python tools/train.py configs/medglip/ct.py [--work-dir DIR] [--amp] [--resume [CHECKPOINT]]
"""

import argparse
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.config import Config
from mmengine.device import get_device

from mmdet_medglip.datasets.unreadable_image_error import UnreadableImageError
from mmdet_medglip.engine.config import check_data, check_weights
from mmdet_medglip.engine.launch import (
    add_common_options,
    build_runner,
    find_resume,
    is_main_process,
    leave_process_group,
    read_config,
)
from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.engine.work_dir_lock import hold_work_dir


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_common_options(parser)
    parser.add_argument('--amp', action='store_true', help='mixed precision; needs a GPU')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by the total batch size over the config's base_batch_size",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint; without a value, from the newest whole one in the work '
        'folder, or from the beginning if there is none',
    )
    return parser.parse_args()


def use_amp(config: Config) -> None:
    """Switch the optimizer to mixed precision.

    Raises:
        ValueError: If there is no GPU, or the config's wrapper has no mixed-precision form.
    """
    if get_device() == 'cpu':
        raise ValueError('--amp needs a GPU and none is visible; leave --amp out.')
    kind = config.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp expects optim_wrapper.type OptimWrapper, the config has {kind}.')
    config.optim_wrapper.type = 'AmpOptimWrapper'
    config.optim_wrapper.setdefault('loss_scale', 'dynamic')


def use_scaled_lr(config: Config) -> None:
    """Switch learning-rate scaling on.

    Raises:
        ValueError: If the config does not say for which batch size its rate is meant.
    """
    if 'base_batch_size' not in config.get('auto_scale_lr', {}):
        raise ValueError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config.'
        )
    config.auto_scale_lr.enable = True


def prepare(args: argparse.Namespace) -> Config:
    """Return the config of the run, its inputs checked.

    Raises:
        FileNotFoundError: If the config, the data or the weights are missing.
        ValueError: If an option does not fit the config.
    """
    config = read_config(args)
    if args.amp:
        use_amp(config)
    if args.auto_scale_lr:
        use_scaled_lr(config)
    find_resume(config, args.resume)
    check_data(config, 'train_dataloader', 'val_dataloader', 'test_cfg')
    check_weights(config)
    return config


def reason_of(error: Exception) -> str:
    """Return what an error says; one of a worker process without the trace around it."""
    last = str(error).strip().splitlines()[-1]
    return last.partition(f'{type(error).__name__}: ')[2] or str(error)


def main() -> None:
    """Train."""
    args = parse_args()
    try:
        config = prepare(args)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    started = time.monotonic()
    try:
        # One process of a distributed training holds the folder for all.
        main_process = is_main_process(config.get('launcher', 'none'))
        with hold_work_dir(config.work_dir) if main_process else nullcontext():
            build_runner(config).train()
    except (TrainingStoppedError, UnreadableImageError) as error:
        raise SystemExit(f'error: {reason_of(error)}') from None
    if main_process:
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        minutes = (time.monotonic() - started) / 60
        print(f'trained in {minutes:.1f} min, peak memory {peak_gb:.1f} GB: {config.work_dir}')
    leave_process_group()


if __name__ == '__main__':
    main()
