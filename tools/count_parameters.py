"""Print what the detectors of configs cost: parameters, those one image uses, operations.

python tools/count_parameters.py configs/medglip/all.py configs/baselines/all_shared.py
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.config import DictAction
from mmengine.registry import DefaultScope

from mmdet_medglip.engine.config import load_config
from mmdet_medglip.engine.model_cost import ModelCost, freeze_still, model_cost
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import MODELS
from mmdet_medglip.visualization.table import render_table

SIZE = (256, 256)
COLUMNS = ('config', 'parameters', 'trainable', 'active', 'GFLOPs')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('configs', nargs='+', help='config files')
    parser.add_argument('--modality', default='ct', help='of the image; default: ct')
    parser.add_argument('--phrases', type=int, default=8, help='labels asked for; default: 8')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='as in train.py'
    )
    return parser.parse_args()


def cost_of(path: str, args: argparse.Namespace) -> ModelCost:
    """Build the model of a config and count.

    Raises:
        FileNotFoundError: If the config does not exist.
        ValueError: If an option does not fit.
    """
    ontology = Ontology.default()
    modality = ontology.parse_modality(args.modality)
    labels = ontology.labels_of(modality)
    if not 1 <= args.phrases <= len(labels):
        raise ValueError(f'--phrases must be 1 to {len(labels)} for {modality}.')
    config = load_config(path, args.cfg_options)
    DefaultScope.get_instance(path, scope_name=config.get('default_scope', 'mmdet_medglip'))
    phrases = [ontology.display_name(label) for label in labels[: args.phrases]]
    model = MODELS.build(config.model)
    freeze_still(model, config)
    return model_cost(model, modality, phrases, config.get('image_size', SIZE))


def row_of(path: str, cost: ModelCost) -> tuple:
    """Line of the table: parameters in millions, operations in thousand millions."""
    millions = (cost.parameters, cost.trainable, cost.active)
    return (path, *(f'{count / 1e6:.2f} M' for count in millions), f'{cost.flops / 1e9:.2f}')


def main() -> None:
    """Print the table."""
    args = parse_args()
    try:
        rows = [row_of(path, cost_of(path, args)) for path in args.configs]
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(render_table(f'Cost for one {args.modality} image', COLUMNS, rows))


if __name__ == '__main__':
    main()
