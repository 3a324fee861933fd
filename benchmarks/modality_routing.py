"""How well images that do not say their modality are routed, and what it costs.

    python benchmarks/modality_routing.py --data-root STORE [--checkpoint FILE] [--json]

Without a checkpoint a classifier is trained on the store's training images (``--steps``) and gets
its bounds on its validation images. Then: shares of the test images, of altered ones (without
colour, cropped, ...), of foreign images that are abstained from, and milliseconds an image on one
thread. ``--leave-out`` trains without a modality and asks how many of its test images are abstained
from; ``all`` does so for each in turn. Without ``--data-root`` it uses phantoms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
from foreign_sets import foreign_sets
from host_parts import store_of
from mmengine.config import Config
from paired import print_figures
from torch import Tensor

from mmdet_medglip.datasets import LoadMedImage, MedGroundingDataset
from mmdet_medglip.datasets.transforms import thumbnail_of
from mmdet_medglip.datasets.transforms.route_modality import read_classifier
from mmdet_medglip.evaluation.functional.routing_shares import Routed, routing_shares
from mmdet_medglip.models.classifiers import ModalityClassifier
from mmdet_medglip.routing import follow

JOINT = Path(__file__).resolve().parents[1] / 'configs' / 'medglip' / 'all.py'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--data-root', type=Path, help='a store; without, phantoms are made')
    parser.add_argument('--checkpoint', help='weights of a trained classifier; else one is trained')
    parser.add_argument('--steps', type=int, default=2000, help='training steps')
    parser.add_argument('--lr', type=float, default=4e-3, help='highest learning rate')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--leave-out', nargs='*', default=[], help="modalities, or 'all'")
    parser.add_argument('--repeats', type=int, default=50, help='timed turns')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    return parser.parse_args(argv)


def read_split(root: Path, split: str) -> tuple[Tensor, list[str]]:
    """Thumbnails (N, 3, 64, 64), uint8, and the modality of each."""
    dataset, load = MedGroundingDataset(str(root), split=split), LoadMedImage()
    infos = (load(dataset.get_data_info(index)) for index in range(len(dataset)))
    pairs = [(thumbnail_of(info['img']), info['modality']) for info in infos]
    return as_batch([p[0] for p in pairs]), [p[1] for p in pairs]


def as_batch(thumbnails: Sequence[np.ndarray]) -> Tensor:
    """Thumbnails (H, W, 3) as one batch (N, 3, H, W)."""
    return torch.from_numpy(np.stack(thumbnails)).permute(0, 3, 1, 2).contiguous()


def without(data: tuple[Tensor, list[str]], left_out: str | None) -> tuple[Tensor, list[str]]:
    """The images of other modalities."""
    rows = [index for index, name in enumerate(data[1]) if name != left_out]
    return data[0][rows], [data[1][row] for row in rows]


def train(
    known: tuple[Tensor, list[str]], held: tuple[Tensor, list[str]], args: argparse.Namespace
) -> ModalityClassifier:
    """Train on ``known`` and calibrate on ``held``."""
    torch.manual_seed(args.seed)
    names = list(dict.fromkeys(known[1]))
    classifier = ModalityClassifier(names, known_per_step=48, foreign_per_step=32, memory=10_000)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps)
    for step in range(args.steps):
        batch = known if step == 0 else (known[0][:0], [])
        loss = classifier.loss(*batch)['loss_modality']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    classifier.eval()
    classifier.calibrate(*held)
    return classifier


def altered(thumbnails: Tensor) -> dict[str, Tensor]:
    """Versions of known images that only a shortcut would mind."""
    images = list(thumbnails.permute(0, 2, 3, 1).numpy())
    side = images[0].shape[0]
    cut, frame = side // 10, side // 10

    def each(change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
        changed = [change(np.ascontiguousarray(image)) for image in images]
        return as_batch(
            [cv2.resize(c, (side, side), interpolation=cv2.INTER_AREA) for c in changed]
        )

    return {
        'without colour': each(
            lambda i: cv2.cvtColor(cv2.cvtColor(i, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        ),
        'cropped to 80 %': each(lambda i: i[cut : side - cut, cut : side - cut]),
        'another aspect': each(lambda i: i[2 * cut : side - 2 * cut]),
        'half the pixels': each(lambda i: cv2.resize(i, None, fx=0.5, fy=0.5)),
        'black margin': each(
            lambda i: cv2.copyMakeBorder(i, frame, frame, frame, frame, cv2.BORDER_CONSTANT)
        ),
    }


def shares(
    classifier: ModalityClassifier, images: Tensor, truth: Sequence[str]
) -> dict[str, float]:
    """Shares of the images that go right, wrong or nowhere."""
    routes = [follow(verdict) for verdict in classifier.predict(images)]
    routed = [
        Routed(name, route.modality if route.by == 'image' else None, route.likeliest)
        for name, route in zip(truth, routes, strict=True)
    ]
    return {name: round(value, 4) for name, value in routing_shares(routed).items()}


def abstained(classifier: ModalityClassifier, images: Tensor) -> float:
    """Share of the images that are not routed."""
    verdicts = classifier.predict(images)
    return round(sum(not verdict.accepted for verdict in verdicts) / len(verdicts), 4)


def confusion(classifier: ModalityClassifier, images: Tensor, truth: Sequence[str]) -> dict:
    """True modality -> what its images were taken for -> how many."""
    counts: dict[str, dict[str, int]] = {}
    for name, verdict in zip(truth, classifier.predict(images), strict=True):
        row = counts.setdefault(name, {})
        row[verdict.modality] = row.get(verdict.modality, 0) + 1
    return counts


def cost_ms(classifier: ModalityClassifier, repeats: int) -> dict[str, float]:
    """Median milliseconds of thumbnail and classifier for one grey image of 512 x 512."""
    image = np.random.default_rng(0).integers(0, 4096, (512, 512)).astype(np.float32)
    spent: dict[str, list[float]] = {'thumbnail_ms': [], 'classifier_ms': []}
    for _ in range(repeats + 1):
        start = time.perf_counter()
        batch = as_batch([thumbnail_of(image)])
        between = time.perf_counter()
        classifier.predict(batch)
        spent['thumbnail_ms'].append(between - start)
        spent['classifier_ms'].append(time.perf_counter() - between)
    return {name: round(statistics.median(times[1:]) * 1e3, 3) for name, times in spent.items()}


def measure(root: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    known, held, test = (read_split(root, split) for split in ('train', 'val', 'test'))
    foreign = {
        kind: as_batch([thumbnail_of(image) for image in images])
        for kind, images in foreign_sets().items()
    }
    start = time.perf_counter()
    classifier = read_classifier(args.checkpoint) if args.checkpoint else train(known, held, args)
    figures: dict[str, Any] = {
        'parameters': sum(p.numel() for p in classifier.parameters()),
        'train_images': len(known[1]),
        'train_s': round(time.perf_counter() - start, 1),
        'test_images': len(test[1]),
        **shares(classifier, *test),
        'confusion': confusion(classifier, *test),
        **{k: shares(classifier, x, test[1]) for k, x in altered(test[0]).items()},
        **{f'abstained: {k}': abstained(classifier, x) for k, x in foreign.items()},
        **cost_ms(classifier, args.repeats),
    }
    names = list(dict.fromkeys(known[1])) if args.leave_out == ['all'] else args.leave_out
    for name in names:
        blind = train(without(known, name), without(held, name), args)
        own = [index for index, truth in enumerate(test[1]) if truth == name]
        others = without(test, name)
        figures[f'left out: {name}'] = {
            'abstained': abstained(blind, test[0][own]),
            'taken for': confusion(blind, test[0][own], [name] * len(own))[name],
            'right of the others': shares(blind, *others)['right'],
        }
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    with store_of(Config.fromfile(str(JOINT)), args.data_root) as root:
        print_figures(measure(root, args), args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
