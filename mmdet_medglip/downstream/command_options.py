"""What programs that ask vision-language models have in common: options, regions, the model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmdet_medglip.evaluation import load_results
from mmdet_medglip.store import GroundingStore

from .context import SIDES, TEXT_FORMS
from .region_sources import patients_of, predicted_regions, shuffled_regions, true_regions
from .regions import ImageRegions

if TYPE_CHECKING:
    from .vqa.hf_model import HfModel

__all__ = [
    'CONDITIONS',
    'add_context_options',
    'add_model_options',
    'add_region_options',
    'load_model',
    'read_regions',
]

CONDITIONS = ('none', 'predicted', 'true', 'shuffled')


def add_model_options(parser: argparse.ArgumentParser, max_new_tokens: int) -> None:
    """Say which model writes, where to, and how."""
    parser.add_argument('--model', required=True, help='folder or hub name, see docs/vqa.md')
    parser.add_argument('--revision', help='branch, tag or commit of the hub')
    parser.add_argument('--out', type=Path, required=True, help='.jsonl; resumed if there')
    parser.add_argument('--cache', type=Path, help='file of answers shared between runs')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--device', help='cpu, cuda, cuda:1; by default a GPU if there is one')
    parser.add_argument('--dtype', default='auto', help='bfloat16, float16, float32, auto')
    parser.add_argument('--max-new-tokens', type=int, default=max_new_tokens)


def add_region_options(group: argparse._ActionsContainer) -> None:
    """Say where regions come from."""
    group.add_argument(
        '--regions', type=Path,
        help='result file of tools/test.py --results, or a store (true and shuffled regions)',
    )  # fmt: skip
    group.add_argument(
        '--shuffle', choices=('predicted', 'true'), default='predicted', help='what is shuffled'
    )
    group.add_argument('--min-score', type=float, default=0.3, help='of predicted boxes')
    group.add_argument('--max-regions', type=int, default=20, help='of an image, predicted')
    group.add_argument('--seed', type=int, default=0, help='of the shuffle')
    group.add_argument('--sides', choices=sorted(SIDES), default='image', help='see docs/vqa.md')


def add_context_options(group: argparse._ActionsContainer) -> None:
    """Say how a model is told of regions."""
    group.add_argument('--text', choices=(*TEXT_FORMS, 'no'), default='normalised')
    group.add_argument('--marks', action='store_true', help='draw numbered boxes on images')
    group.add_argument('--max-crops', type=int, default=0, help='best regions as own pictures')


def read_regions(args: argparse.Namespace) -> Mapping[str, ImageRegions] | None:
    """Read the regions of the condition."""
    if args.condition == 'none':
        return None
    source = GroundingStore(args.regions) if args.regions.is_dir() else load_results(args.regions)
    kind = args.shuffle if args.condition == 'shuffled' else args.condition
    if kind == 'true':
        regions = true_regions(source)
    elif isinstance(source, GroundingStore):
        raise ValueError(
            f'{args.regions} is a store, which holds true regions only: predicted ones are in a '
            'result file (tools/test.py --results), or shuffle the true ones (--shuffle true).'
        )
    else:
        regions = predicted_regions(source, args.min_score, args.max_regions)
    if args.condition == 'shuffled':
        regions = shuffled_regions(regions, patients_of(source), args.seed)
    return regions


def load_model(args: argparse.Namespace) -> HfModel:
    """Load the model of :func:`add_model_options`."""
    from .vqa.hf_model import HfModel

    return HfModel(
        args.model,
        device=args.device,
        dtype=args.dtype,
        max_new_tokens=args.max_new_tokens,
        revision=args.revision,
    )
