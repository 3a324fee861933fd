"""Convert a checkpoint of MMDetection's GLIP to MedGLIP.

The GLIP-T checkpoint comes with `mim download mmdet --dest checkpoints --config
glip_atss_swin-t_fpn_dyhead_pretrain_obj365-goldg-cc3m-sub`; then: python
tools/model_converters/glip_to_medglip.py checkpoints/glip_tiny_mmdet-c24ce662.pth
checkpoints/medglip_glip-t.pth
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.models.glip_conversion import convert_glip_state_dict
from mmdet_medglip.ontology import Ontology


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('source', help="checkpoint file of mmdet's GLIP")
    parser.add_argument('target', help='file to write')
    parser.add_argument(
        '--experts',
        nargs='+',
        metavar='NAME',
        default=list(Ontology.default().modalities),
        help='experts that get the image backbone; default: all modalities',
    )
    return parser.parse_args()


def main() -> None:
    """Convert and write."""
    args = parse_args()
    try:
        checkpoint = load_checkpoint(args.source)
        weights = checkpoint.get('state_dict', checkpoint)
        converted = convert_glip_state_dict(weights, args.experts)
    except (ValueError, OSError) as error:
        sys.exit(f'{args.source}: {error}')
    Path(args.target).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=converted, meta=dict(source=Path(args.source).name)), args.target)
    print(f'{args.target}: {len(converted)} tensors for the experts {", ".join(args.experts)}')


if __name__ == '__main__':
    main()
