"""Images a second of training steps, of this checkout and of another source tree.

    python benchmarks/throughput.py [--config configs/medglip/ct.py] [--tree ../before] [--json]
    python benchmarks/throughput.py --feed loader [--data-root data/demo/store]

A step is a full one: preprocessing, losses, gradients, optimizer; on synthetic batches, or fed by
the config's data loader. Each tree trains in a process of its own. With --tree the two take turns
and the ratio is that of this checkout's speed to the other's. With --json the last line is JSON.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
"""Root of this checkout. The package is imported late, since a process may serve another tree."""


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--config', default='configs/medglip/ct.py', help='relative to each tree')
    parser.add_argument('--tree', type=Path, help='root of another checkout, such as a worktree')
    parser.add_argument('--feed', choices=('synthetic', 'loader'), default='synthetic')
    parser.add_argument('--data-root', type=Path, help='a store; by default phantoms are made')
    parser.add_argument('--steps', type=int, default=6, help='training steps of a turn')
    parser.add_argument('--repeats', type=int, default=5, help='turns that count')
    parser.add_argument('--phrases', type=int, default=12, help='labels of synthetic batches')
    parser.add_argument('--boxes', type=int, default=6, help='truth boxes of a synthetic image')
    parser.add_argument('--device', default='cpu', help="'cpu', 'cuda', 'cuda:1'")
    parser.add_argument(
        '--own-time',
        action='store_true',
        help="one thread, and its own CPU time instead of the wall's: for a machine others use",
    )
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    parser.add_argument('--serve', type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.own_time and args.feed == 'loader':
        parser.error("--own-time does not see a loader's workers; leave one of the two out.")
    return args


def batches_of(args: argparse.Namespace, config: Any) -> Iterable[dict]:
    """The batches of a turn; every pass over them makes one."""
    from host_parts import local_tokenizers
    from mmengine.runner import Runner
    from synthetic import batch, shape_of

    if args.feed == 'synthetic':
        shape = shape_of(config, args.phrases, args.boxes)
        return [batch(shape, seed, training=True) for seed in range(args.steps)]
    loader = config.train_dataloader
    loader.dataset.update(
        data_root=str(args.data_root),
        pipeline=local_tokenizers(loader.dataset.pipeline),
        indices=args.steps * loader.batch_size,
    )
    return Runner.build_dataloader(loader, seed=0)


def serve(args: argparse.Namespace) -> None:
    """Train for a turn at every line of standard input; answer by its images and seconds."""
    replies, sys.stdout = sys.stdout, sys.stderr
    sys.path.insert(0, str(args.serve))
    import torch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope
    from paired import wait_for
    from synthetic import build_model

    clock = time.perf_counter
    if args.own_time:
        torch.set_num_threads(1)
        clock = time.thread_time

    logging.disable(logging.INFO)
    config = Config.fromfile(args.serve / args.config)
    init_default_scope(config.default_scope)
    model = build_model(config).to(args.device).train()
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    batches = batches_of(args, config)
    for _ in sys.stdin:
        start, images = clock(), 0
        for data in batches:
            model.train_step(data, optimizer)
            images += len(data['inputs'])
        wait_for(args.device)
        print(images, clock() - start, file=replies, flush=True)


class Tree:
    """A process that trains with one source tree when asked; a context that ends it.

    Args:
        root: Root of the checkout.
        options: Command line of the process.
    """

    def __init__(self, root: Path, options: Sequence[str]) -> None:
        self.root = root
        self.images = 0
        self.process = subprocess.Popen(
            [sys.executable, __file__, '--serve', str(root.resolve()), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *args: object) -> None:
        self.process.communicate()

    def train(self) -> float:
        """Train for one turn; ``images`` then tells of how many images.

        Returns:
            Seconds.

        Raises:
            RuntimeError: The process ended.
        """
        with suppress(BrokenPipeError):  # No answer follows.
            print(file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline() if self.process.stdout else ''
        if not answer:
            raise RuntimeError(f'Training in {self.root} failed; its error is printed above.')
        images, seconds = answer.split()
        self.images = int(images)
        return float(seconds)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    argv = sys.argv[1:] if argv is None else list(argv)
    args = parse_args(argv)
    if args.serve:
        serve(args)
        return 0
    sys.path.insert(0, str(HERE))
    from host_parts import store_of
    from mmengine.config import Config
    from paired import Turns, print_figures

    with ExitStack() as stack:
        options = list(argv)
        if args.feed == 'loader':
            config = Config.fromfile(HERE / args.config)
            store = stack.enter_context(store_of(config, args.data_root))
            options += ['--data-root', str(store)]
        trees = {'this': stack.enter_context(Tree(HERE, options))}
        if args.tree:
            trees['other'] = stack.enter_context(Tree(args.tree, options))
        spent = [
            {name: tree.train() for name, tree in trees.items()} for _ in range(args.repeats + 1)
        ]
        turns = Turns({name: [turn[name] for turn in spent[1:]] for name in trees})
        figures: dict[str, Any] = {
            f'images_per_s_{name}': round(tree.images / turns.median(name), 2)
            for name, tree in trees.items()
        }
    if args.tree:
        figures |= turns.ratio('other', 'this')
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
