"""Checkpoints without code execution.

A checkpoint is a pickle, and a pickle can run any code. PyTorch's ``weights_only`` mode reads only
tensors, plain Python values and a list of allowed types. MMEngine's files also hold NumPy arrays
and ``HistoryBuffer`` (the log history needed to resume): upstream MMEngine 0.10.7 fails on them
with torch >= 2.6 and runs whatever they contain below, the maintained line 0.10.12 falls back to
running it. :func:`use_safe_checkpoints` replaces both behaviours for every scheme of MMEngine's
loader; :func:`load_checkpoint` is the same for own code.
"""

import contextlib
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from mmengine.utils import digit_version

from mmdet_medglip.store.whole_file import WholeFile

from . import restricted_pickle
from .weights_file import load_weights

__all__ = ['allowed_types', 'load_checkpoint', 'use_safe_checkpoints']

_FORCE_SAFE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_FORCE_UNSAFE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
_SUFFIXES = ('.pth', '.pt')
_DAMAGES = (
    *(EOFError, RuntimeError, LookupError, TypeError, AttributeError, OverflowError),
    *(AssertionError, ValueError, struct.error),
)
"""What PyTorch raises on a damaged file, besides ``UnpicklingError``."""
_HISTORY_METHODS = ('min', 'max', 'current', 'mean')


def load_checkpoint(filename: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Read a local checkpoint file; nothing in it is executed.

    Args:
        filename: A file written by MMEngine or by ``torch.save``, or weights in a
            ``.safetensors`` file; '~' is expanded.
        map_location: As in ``torch.load``; weights of ``.safetensors`` come to the CPU.

    Returns:
        The dict in the file, for example with ``state_dict``, ``meta``, ``optimizer``.

    Raises:
        FileNotFoundError: If there is no such file; names the checkpoints beside it.
        OSError: If it cannot be read.
        ValueError: If the file is damaged, no checkpoint, holds objects that are not allowed, or
            holds something else than a dict.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(_missing(path))
    if path.suffix == '.safetensors':
        return {'state_dict': load_weights(path)}
    try:
        with _readable(str(path)):
            checkpoint = _torch_load(path, map_location)
    except OSError as error:
        raise OSError(f'{path} cannot be read ({error}); check the file and its disk.') from error
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f'{path} holds a {type(checkpoint).__name__}, expected a dict of weights or of '
            "'state_dict' and 'meta'; save the model's state_dict() instead."
        )
    return checkpoint


def use_safe_checkpoints() -> None:
    """Make MMEngine load every checkpoint (test, ``load_from``, resume, ``init_cfg``) safely.

    Call it once at the start of a program; more calls change nothing. It replaces the loaders in
    ``mmengine.runner.CheckpointLoader`` for this process: local files go through
    :func:`load_checkpoint`, the other schemes (``https://``, ``torchvision://``, ...) keep their
    download and cache but read the file in ``weights_only`` mode.
    """
    loaders = CheckpointLoader._schemes
    for prefix, loader in list(loaders.items()):
        if not getattr(loader, 'is_safe', False):
            safe = _load_from_local if prefix == '' else _safe_remote(loader)
            CheckpointLoader.register_scheme(prefix, loader=safe, force=True)


def allowed_types() -> list[Any]:
    """Types that a checkpoint may hold beyond tensors and plain Python values.

    They are what MMEngine's log history consists of: arrays and scalars of NumPy numbers, each of
    which only stores data, and its statistics methods. Items are objects or pairs (object, name in
    the file). NumPy's constructors appear under the module names of NumPy 1 and 2, since a file
    may come from either. A history names its methods through ``getattr``, which reaches anything;
    the stand-in here gives the methods of the history alone.
    """
    multiarray = getattr(np, '_core', None) or np.core
    multiarray = multiarray.multiarray
    number_types = [type(np.dtype(code)) for code in '?bhilqBHILQefd']
    renamed = [
        (getattr(multiarray, name), f'numpy.{core}.multiarray.{name}')
        for name in ('_reconstruct', 'scalar')
        for core in ('core', '_core')
    ]
    renamed += [(_history_method, f'{module}.getattr') for module in ('builtins', '__builtin__')]
    return [HistoryBuffer, np.ndarray, np.dtype, *dict.fromkeys(number_types), *renamed]


def _history_method(owner: Any, name: str) -> Any:
    if owner is not HistoryBuffer or name not in _HISTORY_METHODS:
        raise pickle.UnpicklingError('Refused builtins.getattr')
    return getattr(HistoryBuffer, name)


def _has_named_globals() -> bool:
    """Whether this torch can allow an object under another name."""
    return digit_version(torch.__version__) >= digit_version('2.6.0')


def _torch_load(path: Path, map_location: Any) -> Any:
    if zipfile.is_zipfile(path):
        return _torch_load_of(path, map_location)
    # The older form is one pickle, in which any length may stand.
    with WholeFile(path) as file:
        return _torch_load_of(file, map_location)


def _torch_load_of(source: Any, map_location: Any) -> Any:
    if _has_named_globals():
        with _weights_only(), torch.serialization.safe_globals(allowed_types()):
            return torch.load(source, map_location=map_location, weights_only=True)
    with restricted_pickle.allow(allowed_types()) as pickle_module:
        return torch.load(
            source, map_location=map_location, weights_only=False, pickle_module=pickle_module
        )


def _load_from_local(filename: str, map_location: Any = None) -> dict[str, Any]:
    return load_checkpoint(filename, map_location)


_load_from_local.is_safe = True  # type: ignore[attr-defined]


def _safe_remote(loader: Callable[..., Any]) -> Callable[..., Any]:
    def load_from_remote(filename: str, map_location: Any = None) -> Any:
        with _readable(filename), _weights_only():
            return loader(filename, map_location=map_location)

    load_from_remote.is_safe = True  # type: ignore[attr-defined]
    load_from_remote.__name__ = loader.__name__
    return load_from_remote


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    """Force ``weights_only=True`` on each ``torch.load``, also where False is passed."""
    before = {name: os.environ.pop(name, None) for name in (_FORCE_SAFE, _FORCE_UNSAFE)}
    os.environ[_FORCE_SAFE] = '1'
    try:
        yield
    finally:
        del os.environ[_FORCE_SAFE]
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextlib.contextmanager
def _readable(filename: str) -> Iterator[None]:
    """Turn what ``torch.load`` raises on a bad file into one sentence."""
    try:
        yield
    except pickle.UnpicklingError as error:
        name = _refused(error)
        if name is None:
            raise ValueError(
                f'{filename} is not a PyTorch checkpoint or is damaged; download or save it again.'
            ) from error
        raise ValueError(
            f'{filename} holds {name}, which is not allowed in a checkpoint because loading it '
            'could run code; if you trust the file, load it with torch.load(..., '
            "weights_only=False) and save its 'state_dict' alone."
        ) from error
    except _DAMAGES as error:
        if isinstance(error, RuntimeError) and _is_of_the_machine(error):
            raise
        reason = (str(error) or 'no data').splitlines()[0][:120]
        raise ValueError(
            f'{filename} is truncated or damaged ({reason}); download or save it again.'
        ) from error


def _refused(error: pickle.UnpicklingError) -> str | None:
    """Name of the type that the file was refused for, None if that is not the reason."""
    found = re.search(r'(?:GLOBAL|Unsupported class|Refused) ([\w.]+)', str(error))
    if found:
        return found[1].rstrip('.')
    return 'objects of other types' if 'Trying to' in str(error) else None


def _is_of_the_machine(error: RuntimeError) -> bool:
    """Tell whether a sound file cannot be put on the device that was asked for."""
    return any(hint in str(error) for hint in ('CUDA', 'cuda', 'device', 'MPS'))


def _missing(path: Path) -> str:
    folder = path.parent
    beside = sorted(item.name for item in folder.glob('*') if item.suffix in _SUFFIXES)
    if path.is_dir():
        where = 'it is a folder; name a .pth file in it'
    elif not folder.is_dir():
        where = f'the folder {folder} does not exist either'
    elif beside:
        where = f'{folder} has {", ".join(beside[:8])}{", ..." if len(beside) > 8 else ""}'
    else:
        where = f'{folder} has no {" or ".join(_SUFFIXES)} file; train first with tools/train.py'
    return f'There is no checkpoint file {path}: {where}.'
