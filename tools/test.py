"""Test a model: measure it and, on demand, draw or save its predictions.

python tools/test.py configs/medglip/ct.py [CHECKPOINT] [--results FILE.npz] [--show-dir DIR]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet.evaluation import DumpDetResults
from mmengine.config import Config

from mmdet_medglip.engine.launch import (
    add_checkpoint_option,
    add_common_options,
    build_runner,
    is_main_process,
    leave_process_group,
    read_test_config,
)

METRICS_FILE = 'test_metrics.json'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_common_options(parser)
    add_checkpoint_option(parser)
    parser.add_argument('--out', metavar='FILE.pkl', help='save the predictions to this pickle')
    parser.add_argument(
        '--results', metavar='FILE.npz', help='write answers and truth here, for tools/evaluate.py'
    )
    parser.add_argument('--show', action='store_true', help='show each picture in a window')
    parser.add_argument('--show-dir', help='write pictures of truth beside prediction here')
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds that --show keeps a picture'
    )
    args = parser.parse_args()
    if args.out is not None and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(f'--out expects a file ending in .pkl or .pickle, got {args.out}')
    if args.results is not None and not args.results.endswith('.npz'):
        parser.error(f'--results expects a file ending in .npz, got {args.results}')
    return args


def use_pictures(config: Config, args: argparse.Namespace) -> None:
    """Switch the drawing hook on."""
    hooks = config.setdefault('default_hooks', {})
    hook = dict(hooks.get('visualization') or {})
    if not str(hook.get('type', '')).endswith('GroundingVisualizationHook'):
        hook = dict(type='mmdet_medglip.GroundingVisualizationHook')
    hook['draw'] = True
    if args.show_dir:
        # The hook would put a relative folder into the work folder.
        hook['show_dir'] = str(Path(args.show_dir).resolve())
    if args.show:
        hook.update(show=True, wait_time=args.wait_time)
    hooks['visualization'] = hook


def keep_results(config: Config, args: argparse.Namespace) -> None:
    """Have a result file written.

    Raises:
        ValueError: If the config tests several tasks, which would write one file in turn.
    """
    if (config.get('test_cfg') or {}).get('type') not in (None, 'TestLoop'):
        raise ValueError('--results needs a config with one test; test the tasks one by one.')
    evaluator = config.test_evaluator
    config.test_evaluator = [
        *(evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]),
        dict(
            type='mmdet_medglip.ResultFileMetric',
            out_file=args.results,
            config=args.config,
            checkpoint=str(config.load_from or ''),
        ),
    ]


def prepare(args: argparse.Namespace) -> Config:
    """Return the config of the run, its inputs checked.

    Raises:
        FileNotFoundError: If the config, the data or the checkpoint is missing.
        ValueError: If an option does not fit the config.
    """
    config = read_test_config(args, 'test_dataloader', 'test_cfg')
    if args.show or args.show_dir:
        use_pictures(config, args)
    if args.results is not None:
        keep_results(config, args)
    return config


def report(config: Config, metrics: dict[str, float], show_dir: str | None) -> None:
    """Write every metric to the work folder and print the headline ones."""
    values = {name: float(value) for name, value in metrics.items()}
    path = Path(config.work_dir) / METRICS_FILE
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + '\n')
    print(f'\ncheckpoint  {config.load_from}')
    headline = {name: value for name, value in values.items() if name.count('/') <= 1}
    width = max(map(len, headline), default=0) + 2
    for name, value in headline.items():
        print(f'{name:<{width}}{value:.4f}')
    print(f'all metrics {path}')
    pictures = sorted(Path(show_dir).rglob('*.png')) if show_dir else []
    if pictures:
        print(f'pictures    {len(pictures)}, the first is {pictures[0]}')


def main() -> None:
    """Test."""
    args = parse_args()
    try:
        config = prepare(args)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    runner = build_runner(config)
    if args.out is not None:
        runner.test_evaluator.metrics.append(DumpDetResults(out_file_path=args.out))
    metrics = runner.test()
    if is_main_process():
        report(config, metrics, args.show_dir)
    leave_process_group()


if __name__ == '__main__':
    main()
