"""Turn an adapted checkpoint into one of the base config: LoRA folded in, the base put back.

python tools/model_converters/merge_adaptation.py configs/adapt/lora.py \
    work_dirs/adapt/lora/epoch_6.pth merged.pth
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from mmengine.registry import init_default_scope

from mmdet_medglip.engine.adaptation import merge_checkpoint
from mmdet_medglip.engine.config import load_config


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('config', help='config that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='checkpoint of all or of the adapted weights')
    parser.add_argument('target', help='file to write')
    parser.add_argument('--base', help='checkpoint that was adapted, if it has moved')
    return parser.parse_args()


def main() -> None:
    """Merge and write."""
    args = parse_args()
    try:
        config = load_config(args.config)
        init_default_scope(config.get('default_scope', 'mmdet_medglip'))
        weights = merge_checkpoint(config, args.checkpoint, args.base)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    Path(args.target).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=weights, meta=dict(source=Path(args.checkpoint).name)), args.target)
    size = Path(args.target).stat().st_size / 1e6
    print(f'{args.target}: {len(weights)} tensors, {size:.1f} MB')


if __name__ == '__main__':
    main()
