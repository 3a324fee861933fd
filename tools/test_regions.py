"""Test a model the other way round: boxes in, words out.

python tools/test_regions.py configs/medglip/ct.py [CHECKPOINT] [--num-places 1 9]

Each truth box of the test images is given to the model, which ranks the labels that its image is
asked for. The table has the share of boxes whose own label is first (and among the first three),
and the mean probability of it, over all boxes and for each label.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import nn
from torch.utils.data import DataLoader

from mmdet_medglip.engine.launch import (
    add_checkpoint_option,
    add_common_options,
    build_runner,
    read_test_config,
)
from mmdet_medglip.visualization.table import render_table

RESULTS_FILE = 'test_regions.json'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_common_options(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        '--num-places', type=int, nargs='+', default=[9], help='places that a box is read at'
    )
    return parser.parse_args()


def ask(model: nn.Module, loader: DataLoader, num_places: int) -> list[dict[str, Any]]:
    """Rank labels for every truth box of label prompts.

    Returns:
        For each box its ``label``, the ``rank`` of that label, 0 for the first, its
        ``probability``, and the number of labels it was ``chosen_from``.

    Raises:
        ValueError: The model does not rank labels, or no image has a box and a label prompt.
    """
    if not hasattr(model, 'rank_labels'):
        raise ValueError(f'A {type(model).__name__} has no rank_labels; expected a MedGLIP.')
    classes, answers = loader.dataset.metainfo['classes'], []
    for batch in loader:
        data = model.data_preprocessor(batch, False)
        for row, sample in enumerate(data['data_samples']):
            asked = sample.metainfo.get('phrase_labels')
            truth = [i for i in sample.metainfo['instances'] if not i.get('ignore_flag')]
            if asked is None or not truth:
                continue
            boxes = torch.tensor([one['bbox'] for one in truth], dtype=torch.float32)
            image = data['inputs'][row : row + 1]
            ranked = model.rank_labels(image, sample, boxes, sample.metainfo['text'], num_places)
            for box, one in enumerate(truth):
                label = classes[one['bbox_label']]
                rank = ranked.order[box].tolist().index(asked.index(label))
                answers.append(
                    dict(
                        label=label,
                        rank=rank,
                        probability=float(ranked.probabilities[box, rank]),
                        chosen_from=len(asked),
                    )
                )
    if not answers:
        raise ValueError('No test image has a box and a label prompt.')
    return answers


def summary(name: str, answers: Sequence[dict]) -> tuple:
    """One line of the table."""
    count = len(answers)
    shares = [sum(one['rank'] < k for one in answers) / count for k in (1, 3)]
    chance = sum(1 / one['chosen_from'] for one in answers) / count
    return (name, count, *shares, sum(one['probability'] for one in answers) / count, chance)


def main() -> None:
    """Test and print."""
    args = parse_args()
    try:
        config = read_test_config(args, 'test_dataloader')
        runner = build_runner(config)
        runner.load_or_resume()
        loader, model = runner.build_dataloader(config.test_dataloader), runner.model.eval()
        found = {count: ask(model, loader, count) for count in args.num_places}
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    columns = ('places / label', 'boxes', 'first', 'first three', 'probability', 'chance')
    rows = []
    for count, answers in found.items():
        rows.append(summary(f'{count} places', answers))
        for label in dict.fromkeys(one['label'] for one in answers):
            own = [one for one in answers if one['label'] == label]
            rows.append(summary(f'  {label}', own))
    print(render_table('Labels of given boxes', columns, rows))
    path = Path(config.work_dir) / RESULTS_FILE
    path.write_text(json.dumps({str(k): v for k, v in found.items()}, indent=2) + '\n')
    print(f'\ncheckpoint  {config.load_from}\nall figures {path}')


if __name__ == '__main__':
    main()
