"""``medglip serve``: a model in the browser."""

from __future__ import annotations

import argparse
import math
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from .usage_error import UsageError

if TYPE_CHECKING:
    from mmdet_medglip.browser import DemoModel

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'serve'
HELP = 'ask a trained model in the browser: a local page, for research, not for clinical use'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        'config', help='config file, such as configs/medglip/ct.py, packed model, or demo'
    )
    model = parser.add_argument_group('model')
    model.add_argument(
        '--weights', help='checkpoint; default: the newest in the work folder of the config'
    )
    model.add_argument('--name', help='name on the page; default: that of the config')
    model.add_argument('--compare', metavar='CONFIG', help='a second model, shown side by side')
    model.add_argument('--compare-weights', metavar='WEIGHTS', help='its checkpoint')
    model.add_argument('--compare-name', metavar='NAME', help='its name on the page')
    model.add_argument('--device', help='such as cpu or cuda:0; default: the best there is')
    model.add_argument('--classifier', help='checkpoint of a modality classifier')
    model.add_argument('--fallback', help='modality of images for which none is found')
    server = parser.add_argument_group('server')
    server.add_argument(
        '--host', default='127.0.0.1', help='address to listen at (default: this machine alone)'
    )
    server.add_argument(
        '--port', type=int, default=7860, help='port (default 7860); 0 for a free one'
    )
    server.add_argument(
        '--allow-host', action='append', default=[], metavar='NAME',
        help='name that the page is reached by, for example behind a proxy; may be repeated',
    )  # fmt: skip
    limits = parser.add_argument_group('limits')
    limits.add_argument('--max-upload-mb', type=float, default=200, help='of a study (default 200)')
    limits.add_argument('--max-sessions', type=int, default=20, help='open pages (default 20)')
    limits.add_argument(
        '--session-minutes', type=float, default=30,
        help='files of a page that asks nothing for so long are removed (default 30)',
    )  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        0.

    Raises:
        UsageError: A model or an option is wrong.
        OSError: The port is taken.
        ModuleNotFoundError: The server's libraries are not installed.
    """
    from mmengine.logging import MMLogger

    from mmdet_medglip.browser import DemoService, Limits
    from mmdet_medglip.browser.server import address_of, check_libraries, is_loopback, run_server

    check_libraries()
    if not 0 <= args.port <= 65535:
        raise UsageError(f'--port must be from 0 to 65535, got {args.port}.')
    MMLogger.get_current_instance().setLevel('WARNING')
    try:
        limits = Limits(
            upload_bytes=_whole('--max-upload-mb', args.max_upload_mb, 1e6),
            sessions=_whole('--max-sessions', args.max_sessions),
            idle_seconds=_whole('--session-minutes', args.session_minutes, 60),
        )
        if args.compare is None and (args.compare_weights or args.compare_name):
            raise ValueError('--compare-weights and --compare-name need --compare.')
        service = DemoService(_models(args), limits)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    port = args.port or _free_port(args.host)
    console.print(f'Open {address_of(args.host, port)} (ends with Ctrl-C).', highlight=False)
    console.print('Research software, not for clinical use.')
    if not is_loopback(args.host):
        console.print(
            escape(
                f'Everybody who reaches {args.host} can use this page: it asks no password and '
                'does not encrypt. Put it behind a proxy that does both.'
            ),
            style='yellow',
            soft_wrap=True,
        )
    run_server(service, args.host, port, args.allow_host)
    return 0


def _whole(option: str, value: float, unit: float = 1) -> int:
    """Return the value of an option in whole units, at least 1."""
    if not math.isfinite(value) or value * unit < 1:
        raise ValueError(f'{option} must be a number of at least {1 / unit:.2g}, got {value:g}.')
    return int(value * unit)


def _free_port(host: str) -> int:
    """Return a port that nobody listens at; 0 if there is none, which the server then tells."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        with socket.create_server((host, 0), family=family) as free:
            return int(free.getsockname()[1])
    except OSError:
        return 0


def _models(args: argparse.Namespace) -> list[DemoModel]:
    named = [(args.config, args.weights, args.name)]
    if args.compare is not None:
        named.append((args.compare, args.compare_weights, args.compare_name))
    return [_model(*one, args) for one in named]


def _model(
    config: str, weights: str | None, name: str | None, args: argparse.Namespace
) -> DemoModel:
    from mmdet_medglip.apis import MedGLIPInferencer, ModelFiles
    from mmdet_medglip.apis.model_files import model_names
    from mmdet_medglip.browser import DemoModel

    files = ModelFiles(config, weights)
    loaded, found = files.read()
    inferencer = MedGLIPInferencer(
        loaded,
        found,
        args.device,
        classifier=args.classifier,
        fallback=args.fallback,
        show_progress=False,
    )
    shown = name or '/'.join(Path(config.removesuffix('.py')).parts[-2:])
    return DemoModel(shown, inferencer, *model_names(files.config, loaded, found))
