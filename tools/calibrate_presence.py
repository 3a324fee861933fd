"""Calibrate presence on validation images.

python tools/calibrate_presence.py configs/medglip/ct_presence.py [CHECKPOINT] --out presence.json
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.config import Config
from mmengine.runner import Runner

from mmdet_medglip.answers import (
    CRITERIA,
    EVIDENCE,
    PresenceCalibration,
    fit_presence,
    save_presence,
)
from mmdet_medglip.engine.launch import (
    add_checkpoint_option,
    add_common_options,
    build_runner,
    is_main_process,
    leave_process_group,
    read_test_config,
)
from mmdet_medglip.models.weights_digest import detector_digest
from mmdet_medglip.visualization.table import render_table


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_common_options(parser)
    add_checkpoint_option(parser)
    parser.add_argument('--out', required=True, metavar='FILE.json', help='file to write')
    parser.add_argument(
        '--evidence',
        choices=EVIDENCE,
        default=EVIDENCE[0],
        help="the model's presence head, or, of any detector, the best box score of a phrase",
    )
    parser.add_argument(
        '--criterion',
        choices=CRITERIA,
        default=CRITERIA[0],
        help='thresholds that keep a share of the present phrases, or that have the best F1',
    )
    parser.add_argument(
        '--target', type=float, default=0.95, help='share that --criterion recall keeps'
    )
    parser.add_argument(
        '--shrinkage',
        type=float,
        default=1.0,
        help='how strongly a phrase with few images is drawn towards all phrases',
    )
    parser.add_argument(
        '--min-examples',
        type=int,
        default=10,
        help='images with and without a phrase that it takes for a threshold of its own',
    )
    return parser.parse_args()


def prepare(args: argparse.Namespace) -> Config:
    """Return a config that tests on the validation images and collects evidence there.

    Raises:
        FileNotFoundError: If the config, the data or the checkpoint is missing.
        ValueError: If the config has no validation images, or an option does not fit it.
    """
    config = read_test_config(args, 'val_dataloader')
    if config.get('val_dataloader') is None:
        raise ValueError(f'{args.config} has no val_dataloader, whose images are calibrated on.')
    config.test_dataloader = config.val_dataloader
    config.test_evaluator = dict(type='mmdet_medglip.CollectPresence', evidence=args.evidence)
    if (config.model.get('test_cfg') or {}).get('presence') is not None:
        config.model.test_cfg.presence = None  # Boxes and logits as they are before.
    return config


def calibrate(runner: Runner, args: argparse.Namespace) -> PresenceCalibration | None:
    """Run the detector on the validation images and fit; None on other ranks than the first.

    Raises:
        ValueError: If the images do not suffice.
    """
    runner.test()
    if not is_main_process():
        return None
    return fit_presence(
        runner.test_evaluator.metrics[0].examples,
        evidence=args.evidence,
        criterion=args.criterion,
        target=args.target,
        shrinkage=args.shrinkage,
        min_examples=args.min_examples,
        weights=detector_digest(getattr(runner.model, 'module', runner.model)),
        source=f'{Path(runner.cfg.load_from).name} of {args.config}',
    )


def report(calibration: PresenceCalibration, path: str) -> None:
    """Print what was fitted."""
    columns = ('phrase', 'with', 'without', 'slope', 'offset', 'threshold', 'chosen on')
    rows = [
        (
            name,
            one.positives,
            one.negatives,
            one.slope,
            one.offset,
            one.threshold,
            'its images' if one.own_threshold else 'all',
        )
        for name, one in [('all', calibration.overall), *calibration.phrases.items()]
    ]
    print(render_table(f'Presence, from {calibration.evidence}', columns, rows))
    print(f'\ncalibration {path}')


def main() -> None:
    """Calibrate."""
    args = parse_args()
    try:
        runner = build_runner(prepare(args))
        calibration = calibrate(runner, args)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    if calibration is not None:
        save_presence(args.out, calibration)
        report(calibration, args.out)
    leave_process_group()


if __name__ == '__main__':
    main()
