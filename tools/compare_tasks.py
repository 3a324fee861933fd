"""Print what several trainings brought on their new task, and cost on the old ones.

python tools/compare_tasks.py work_dirs/adapt/* [--metric coco/AP50]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.engine.task_comparison import FILE_NAME, read_comparison, runs_table


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('runs', nargs='+', type=Path, help='work folders of trainings')
    parser.add_argument('--metric', default='coco/AP50', help='default: coco/AP50')
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    args = parse_args()
    try:
        runs = {folder.name: read_comparison(folder / FILE_NAME) for folder in args.runs}
        print(runs_table(runs, args.metric))
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
