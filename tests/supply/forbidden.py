"""Find calls in Python source by which a file, or a word from outside, could run code."""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ['forbidden_in']

_MODULES = {'pickle', 'cPickle', 'dill', 'cloudpickle', 'joblib', 'shelve', 'marshal', 'jsonpickle'}
_CALLS = {
    *('eval', 'exec', 'compile', '__import__', 'os.system', 'os.popen', 'os.startfile'),
    *('subprocess.getoutput', 'subprocess.getstatusoutput', 'import_module'),
    *(
        'importlib.import_module',
        'yaml.unsafe_load',
        'yaml.full_load',
        'yaml.load_all',
        'yaml.load',
    ),
    *('tempfile.mktemp', 'shutil.unpack_archive', 'Config.fromfile', 'torch.jit.load'),
    *('torch.hub.load', 'pd.read_pickle', 'pandas.read_pickle', 'mmengine.load', 'torch.package'),
    *('FileClient', 'fileio.load', 'runpy.run_path', 'runpy.run_module'),
}
_METHODS = {'extractall', 'extract', 'read_pickle', 'loads_pickle', 'spec_from_file_location'}
_WITH = {
    'torch.load': ('weights_only', True),
    'np.load': ('allow_pickle', False),
    'numpy.load': ('allow_pickle', False),
    'np.lib.format.read_array': ('allow_pickle', False),
}
"""Calls that must say a value."""
_NEVER = (('shell', True), ('trust_remote_code', True), ('allow_pickle', True))


def forbidden_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each call or import that may run code.

    Args:
        path: Python source.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition('.')[0] in _MODULES:
                    yield node.lineno, f'import {alias.name}'
        elif isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] in _MODULES:
            yield node.lineno, f'import {node.module}'
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = ast.unparse(node.func)
    last = name.rpartition('.')[2]
    given = {word.arg: getattr(word.value, 'value', None) for word in node.keywords}
    if name in _CALLS or (last in _METHODS and last != name):
        yield node.lineno, name
    for key, value in _NEVER:
        if given.get(key) is value:
            yield node.lineno, f'{name}({key}={value})'
    if name in _WITH:
        key, value = _WITH[name]
        if given.get(key, ...) is not value:
            yield node.lineno, f'{name} without {key}={value}'
