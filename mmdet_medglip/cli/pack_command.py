"""``medglip pack``: a trained model as one folder that loads anywhere."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.markup import escape

from .usage_error import UsageError

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'pack'
HELP = 'put a trained model with all it needs in one folder that loads anywhere'
EPILOG = """\
exit status: 0 the folder is made, 1 it cannot be written, 2 the command line or the model is wrong.

examples:
  medglip pack configs/medglip/ct.py models/ct --licence Apache-2.0
  medglip pack configs/medglip/ct.py models/ct --licence LICENSE.txt --data data/demo/store
  medglip predict models/ct scan.dcm -p 'Detect: liver' --out found
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument('config', help='config file, for example configs/medglip/ct.py')
    parser.add_argument('out', help='folder to make; it must not be there yet')
    parser.add_argument(
        '--licence', required=True, help='of the weights: a file, or a name such as Apache-2.0'
    )
    parser.add_argument(
        '--weights', help='checkpoint; default: the newest in the work folder of the config'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
        help='override entries of the config, nested by dots',
    )  # fmt: skip
    parser.add_argument('--name', help='short name; default: that of the config file')
    parser.add_argument(
        '--score-thr', type=float, default=0.3,
        help='least score of a box where the caller names none (default 0.3)',
    )  # fmt: skip
    parser.add_argument('--presence', help='calibration of tools/calibrate_presence.py')
    parser.add_argument(
        '--prompts', nargs='+', default=[], metavar='PROMPT', help='prompts to encode now'
    )
    parser.add_argument('--data', help='store it was trained on, whose labels are counted')
    parser.add_argument('--card', help='file of a model card; default: one is written')
    parser.add_argument(
        '--about', metavar='FILE', help='Markdown for that card: purpose, making, tests'
    )
    parser.add_argument(
        '--include-language-model', action='store_true',
        help='pack the language model also where it is the bundled one, bit by bit',
    )  # fmt: skip
    parser.add_argument(
        '--half', action='store_true', help='keep weights in float16: half the size, rounded'
    )
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def run(args: argparse.Namespace, console: Console) -> int:
    """Pack a model.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        0.

    Raises:
        UsageError: A file or an option is wrong, or the model has what cannot be packed.
    """
    from mmengine.logging import MMLogger

    from mmdet_medglip.apis import ModelFiles
    from mmdet_medglip.packaging.pack_model import PackOptions, pack_model

    from .config_options import read_options

    MMLogger.get_current_instance().setLevel('WARNING')
    try:
        options = PackOptions(
            args.licence,
            args.name,
            args.score_thr,
            args.presence,
            tuple(args.prompts),
            args.data,
            card=args.card,
            about=args.about,
            include_language_model=args.include_language_model,
            half=args.half,
        )
        files = ModelFiles(args.config, args.weights, cfg_options=read_options(args.cfg_options))
        with console.status('packing'):
            contents = pack_model(files, args.out, options)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    size = sum(entry.bytes for entry in contents.files.values())
    console.print(
        escape(f'{args.out}: {len(contents.files)} files, {size / 1e6:.1f} MB'), highlight=False
    )
    if contents.language_model == 'bundled':
        console.print(
            'The language model is the bundled one and not packed: its package must be where the '
            'model is used (--include-language-model packs it).'
        )
    if args.data is None:
        console.print('No label was counted: name the training data by --data.')
    return 0
