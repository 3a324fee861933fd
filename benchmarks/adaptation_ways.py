"""What each way to adapt brings on new labels and costs on old ones, on demo CT phantoms.

python benchmarks/adaptation_ways.py [--data-root data/demo/store] [--work-dir work_dirs/ways]

Trains a small base (160 pixels) on four labels, adapts it to three others with each way, with and
without replay, and prints one table. A training that is there already is not run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.engine.task_comparison import FILE_NAME, read_comparison, runs_table

ROOT = Path(__file__).resolve().parents[1]
OLD = ['liver', 'spleen', 'kidney_right', 'vertebrae']
NEW = ['kidney_left', 'aorta', 'liver_lesion']
WAYS = ('linear_probe', 'prompt_tuning', 'lora', 'full')
SMALL = """\
_base_ = {base!r}
size = ({size}, {size})
sizes = dict(Resize=dict(scale=size), Pad=dict(size=size))
train_pipeline = [dict(t, **sizes.get(t['type'], dict())) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **sizes.get(t['type'], dict())) for t in _base_.test_pipeline]
loader = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(loader, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(loader, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=0, dataset=dict(pipeline=test_pipeline))
default_hooks = dict(logger=dict(interval=20))
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--data-root', default='data/demo/store', help='store with demo CT')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/ways'))
    parser.add_argument('--ways', nargs='+', choices=WAYS, default=list(WAYS))
    parser.add_argument('--replay', nargs='+', default=['0', '1'], help='old batches per new one')
    parser.add_argument('--size', type=int, default=160, help='pixels of an image side')
    parser.add_argument('--base-epochs', type=int, default=22)
    parser.add_argument('--steps', type=int, default=20, help='steps of each of six epochs')
    return parser.parse_args()


def train(args: argparse.Namespace, base: Path, folder: Path, options: Sequence[str]) -> None:
    """Train a config at the small size with some options."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / 'small.py'
    config.write_text(SMALL.format(base=str(base), size=args.size))
    command = [sys.executable, str(ROOT / 'tools' / 'train.py'), str(config)]
    command += ['--work-dir', str(folder), '--cfg-options', *options]
    with (folder / 'train.log').open('w') as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f'error: the training failed; see {folder / "train.log"}')


def train_base(args: argparse.Namespace) -> Path:
    """Train the base on the old labels, unless it is there; return its checkpoint."""
    folder, epochs = args.work_dir / 'base', args.base_epochs
    file = folder / f'epoch_{epochs}.pth'
    if not file.is_file():
        options = [f'data_root={args.data_root}', f'train_cfg.max_epochs={epochs}']
        options += [f'train_cfg.val_interval={epochs}', 'param_scheduler.0.end=30']
        options += [f'param_scheduler.1.{key}={epochs}' for key in ('T_max', 'end')]
        labels = f'dataset.labels=[{",".join(OLD)}]'
        options += [f'{part}_dataloader.{labels}' for part in ('train', 'val', 'test')]
        train(args, ROOT / 'configs' / 'medglip' / 'ct.py', folder, options)
    return file


def adapt(args: argparse.Namespace, base: Path, way: str, replay: str) -> Path:
    """Adapt the base, unless that is done; return the work folder."""
    folder = args.work_dir / (way if replay == '0' else f'{way}_replay_{replay}')
    if not (folder / FILE_NAME).is_file() or not (folder / 'epoch_6.pth').is_file():
        options = [f'load_from={base}', f'replay={replay}', 'model.backbone.only=[ct]']
        options += [f'tasks.{task}.data_root={args.data_root}' for task in ('new', 'old')]
        options += [f'tasks.new.labels=[{",".join(NEW)}]', f'tasks.old.labels=[{",".join(OLD)}]']
        options += [f'train_dataloader.batch_sampler.num_batches={args.steps}']
        train(args, ROOT / 'configs' / 'adapt' / f'{way}.py', folder, options)
    return folder


def main() -> None:
    """Train what is missing and print the table."""
    args = parse_args()
    base = train_base(args)
    folders = [
        adapt(args, base, way, replay)
        for way in args.ways
        for replay in args.replay
        # Prompts of old labels are answered as before, with or without replay.
        if way != 'prompt_tuning' or replay == '0'
    ]
    runs = {folder.name: read_comparison(folder / FILE_NAME) for folder in folders}
    print(runs_table(runs, 'coco/AP50'))


if __name__ == '__main__':
    main()
