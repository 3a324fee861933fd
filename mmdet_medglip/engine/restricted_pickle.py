"""Unpickler that makes only listed types, for torch < 2.6.

Those versions cannot allow an object under another name in their ``weights_only`` mode.

Passed to ``torch.load(pickle_module=...)``. Everything a pickle calls or builds is looked up in
``find_class``; what is not listed is refused before it is imported.
"""

import _codecs
import contextlib
import pickle
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import torch

__all__ = ['allow']


@contextlib.contextmanager
def allow(types: Sequence[Any]) -> Iterator[Any]:
    """A ``pickle_module`` that makes tensors, plain values and ``types``.

    Args:
        types: Types or functions, or pairs (object, name under which the file has it), as in
            ``torch.serialization.safe_globals``.

    Yields:
        An object with ``Unpickler`` and ``load``. It raises ``pickle.UnpicklingError`` naming the
        type that it refused.
    """
    table = _torch_types()
    for item in types:
        target, name = item if isinstance(item, tuple) else (item, _name(item))
        table[name] = target

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            full_name = f'{module}.{name}'
            if full_name not in table:
                raise pickle.UnpicklingError(f'Refused {full_name}')
            return table[full_name]

    def load(file: Any, **kwargs: Any) -> Any:
        return Unpickler(file, **kwargs).load()

    yield SimpleNamespace(Unpickler=Unpickler, load=load, __name__='restricted_pickle')


def _torch_types() -> dict[str, Any]:
    rebuild = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')
    table = {f'torch._utils.{name}': getattr(torch._utils, name) for name in rebuild}
    table |= {_name(item): item for item in (OrderedDict, Counter, defaultdict, set)}
    # Protocol 2 writes the module name of Python 2, and bytes as text with their encoding.
    table['__builtin__.set'] = set
    table['_codecs.encode'] = _codecs.encode
    table |= {_name(item): item for item in (torch.Size, torch.device, torch.nn.Parameter)}
    table |= {
        f'torch.{name}': getattr(torch, name)
        for name in dir(torch)
        if isinstance(getattr(torch, name), torch.dtype)
    }
    storages = [name for name in dir(torch) if name.endswith('Storage')]
    table |= {f'torch.{name}': getattr(torch, name) for name in storages}
    table['torch.storage.TypedStorage'] = torch.storage.TypedStorage
    table['torch.storage.UntypedStorage'] = torch.storage.UntypedStorage
    return table


def _name(item: Any) -> str:
    return f'{item.__module__}.{item.__qualname__}'
