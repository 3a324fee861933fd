"""Time of our AP against plain pycocotools on synthetic detections.

    python benchmarks/evaluation_vs_pycocotools.py [--images 1000] [--labels 20] [--json]

``plain`` is pycocotools as it is usually run: ``loadRes``, ``evaluate``, ``accumulate`` with its
own parameters, ten IoU thresholds, four ranges of area and three numbers of detections; its time
starts from the same arrays. ``ap`` is :func:`average_precision` (ten thresholds, one range, one
number), ``figures`` is :func:`coco_figures` (18 thresholds, four ranges, three numbers), each by
both backends. ``resampled`` is one resample of ``ResampledAP50``, matched before. A ratio above 1
says that ours is faster.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from paired import print_figures, take_turns
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_medglip.evaluation.functional import (
    ImageDetections,
    ResampledAP50,
    average_precision,
    coco_figures,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--images', type=int, default=1000)
    parser.add_argument('--labels', type=int, default=20)
    parser.add_argument('--truth', type=int, default=5, help='truth boxes of an image, on average')
    parser.add_argument('--boxes', type=int, default=100, help='detections of an image')
    parser.add_argument('--repeats', type=int, default=3, help='turns that count')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    return parser.parse_args(argv)


def synthetic(args: argparse.Namespace) -> list[ImageDetections]:
    """Truth anywhere, a detection near each, the others anywhere, all labels asked."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(args.images):
        truth = anywhere(rng, min(rng.poisson(args.truth), args.boxes))
        labels = rng.integers(0, args.labels, len(truth))
        far = args.boxes - len(truth)
        boxes = np.concatenate([truth + rng.normal(0, 4, truth.shape), anywhere(rng, far)])
        images.append(
            ImageDetections(
                boxes=boxes.astype(np.float32),
                scores=rng.random(args.boxes).astype(np.float32),
                labels=np.concatenate([labels, rng.integers(0, args.labels, far)]),
                gt_boxes=truth.astype(np.float32),
                gt_labels=labels,
                gt_ignore=np.zeros(len(truth), bool),
                asked=np.arange(args.labels),
            )
        )
    return images


def anywhere(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes (count, 4) of all of COCO's sizes."""
    corner = rng.uniform(0, 300, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(10, 200, (count, 2))], axis=1)


def plain(images: Sequence[ImageDetections], num_labels: int) -> float:
    """AP50 by pycocotools alone."""
    truth, found = [], []
    for number, image in enumerate(images):
        for boxes, labels, scores, into in (
            (image.gt_boxes, image.gt_labels, np.ones(len(image.gt_boxes)), truth),
            (image.boxes, image.labels, image.scores, found),
        ):
            rows = zip(boxes.astype(float).tolist(), labels.tolist(), scores.tolist(), strict=True)
            for (x1, y1, x2, y2), label, score in rows:
                into.append(
                    {
                        'id': len(into) + 1,
                        'image_id': number,
                        'category_id': label,
                        'bbox': [x1, y1, x2 - x1, y2 - y1],
                        'area': (x2 - x1) * (y2 - y1),
                        'iscrowd': 0,
                        'score': score,
                    }
                )
    coco = COCO()
    coco.dataset = {
        'images': [{'id': number} for number in range(len(images))],
        'categories': [{'id': number} for number in range(num_labels)],
        'annotations': truth,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        evaluator = COCOeval(coco, coco.loadRes(found), 'bbox')
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return float(evaluator.stats[1])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    images = synthetic(args)
    matched = ResampledAP50(images, args.labels)
    rows = np.random.default_rng(0).integers(args.images, size=args.images)
    rivals = {'plain': lambda: plain(images, args.labels)}
    for backend in ('pycocotools', 'faster_coco_eval'):
        rivals |= {
            f'ap_{backend}': lambda b=backend: average_precision(images, args.labels, backend=b),
            f'figures_{backend}': lambda b=backend: coco_figures(images, args.labels, backend=b),
        }
    rivals['resampled'] = lambda: matched(rows)
    reference = rivals['plain']()
    apart = max(
        abs(rivals[name]().means()['AP50'] - reference)
        for name in rivals
        if name.startswith('figures_')
    )
    turns = take_turns(rivals, args.repeats, warmup=0)
    figures = {f'{name}_s': round(turns.median(name), 4) for name in rivals}
    for name in list(rivals)[1:]:
        figures |= {
            key.replace('ratio', f'ratio_{name}', 1): value
            for key, value in turns.ratio('plain', name).items()
        }
    figures['ap50_error'] = apart
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
