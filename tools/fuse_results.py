"""Fuse result files of several detectors: weighted boxes fusion.

python tools/fuse_results.py OURS.npz OTHER.npz --out FUSED.npz [--weights 2 1] [--iou 0.55]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.evaluation import load_results, save_results
from mmdet_medglip.evaluation.fusion import fuse_results


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument(
        'results', nargs='+', help='files of tools/test.py --results, of the same test data'
    )
    parser.add_argument('--out', required=True, metavar='FILE.npz', help='the file to write')
    parser.add_argument(
        '--weights', nargs='+', type=float, help='how much each counts; default: all alike'
    )
    parser.add_argument(
        '--iou', type=float, default=0.55, help='least IoU of boxes that are one; default: 0.55'
    )
    return parser.parse_args()


def main() -> None:
    """Fuse."""
    args = parse_args()
    try:
        results = [load_results(path) for path in args.results]
        fused = fuse_results(results, args.weights, args.iou)
        save_results(args.out, fused)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    for path, one in [*zip(args.results, results, strict=True), (args.out, fused)]:
        boxes = sum(len(image.boxes) for image in one.images)
        print(f'{path}: {boxes} boxes on {len(one)} images')


if __name__ == '__main__':
    main()
