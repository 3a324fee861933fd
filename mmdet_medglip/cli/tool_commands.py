"""``medglip train``, ``test``, ``benchmark``, ``ingest``: the programs of ``tools/``.

The programs are the standard entry points of an MMDetection package and have all options; a wheel
brings them in ``.mim/tools``. Here they are run as they are, under another name.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from mmdet_medglip.installed_folder import installed_folder

__all__ = ['TOOLS', 'load_tool', 'run_tool', 'tools_folder']

TOOLS = {
    'train': 'train a model',
    'test': 'test a model: measure it, draw or save its answers',
    'benchmark': 'train, test and compare the models of a suite, with a report',
    'ingest': 'turn source data sets into one store, and look after it',
}
"""Commands that are programs of tools/, and what they do."""


def tools_folder() -> Path:
    """Return the folder of the programs: of an installed package, else of the checkout.

    Raises:
        FileNotFoundError: There is none.
    """
    return installed_folder('tools', 'medglip.py')


def load_tool(name: str) -> ModuleType:
    """Import a program of tools/.

    Raises:
        FileNotFoundError: There is no such program.
    """
    path = tools_folder() / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'medglip_tools_{name}', path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f'There is no program {path}; install mmdet_medglip again.')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run_tool(name: str, words: list[str]) -> int:
    """Run a program of tools/ with words of the command line.

    Returns:
        Its exit status.

    Raises:
        FileNotFoundError: There is no such program.
    """
    module = load_tool(name)
    before, sys.argv = sys.argv, [f'medglip {name}', *words]
    try:
        return int(module.main() or 0)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code + '\n')
            return 1
        return int(end.code or 0)
    finally:
        sys.argv = before
