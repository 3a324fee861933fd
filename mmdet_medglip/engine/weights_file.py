"""Weights as a safetensors file whose bytes depend on the weights alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmdet_medglip.store.durable import sync

__all__ = ['load_weights', 'save_weights', 'sort_header', 'weight_shapes']

_SHARED = 'shared'
_FAULTS = (
    *(SafetensorError, ValueError, KeyError, AttributeError, TypeError),
    *(RuntimeError, OverflowError),
)


def save_weights(path: Path, weights: Mapping[str, Tensor], half: bool = False) -> None:
    """Write weights; what several names share is written once.

    Args:
        path: File to write.
        weights: State dict.
        half: Whether float32 becomes float16, which takes half the space.

    Raises:
        OSError: It cannot be written.
        ValueError: A weight is not finite in float16, whose largest number is 65504.
    """
    owners: dict[tuple, str] = {}
    kept: dict[str, Tensor] = {}
    shared: dict[str, str] = {}
    for name, value in sorted(weights.items()):
        value = value.detach().cpu()
        place = (value.data_ptr(), value.dtype, tuple(value.shape), value.stride())
        if value.numel() and place in owners:
            shared[name] = owners[place]
        else:
            owners[place] = name
            # A copy of its own, as safetensors takes no views of one storage.
            kept[name] = _halved(name, value) if half else value.contiguous().clone()
    save_file(kept, path, metadata={_SHARED: json.dumps(shared, sort_keys=True)})
    sort_header(path)


def _halved(name: str, value: Tensor) -> Tensor:
    if value.dtype != torch.float32:
        return value.contiguous().clone()
    halved = value.contiguous().half()
    if not bool(halved.isfinite().all()):
        raise ValueError(f'{name} has numbers beyond float16; keep the weights in float32.')
    return halved


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a file of :func:`save_weights`, or another safetensors file of weights.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged.
    """
    _must_be_there(path)
    try:
        weights = load_file(path)
        with safe_open(path, framework='pt') as file:
            shared = _shared(file.metadata())
        return weights | {name: weights[owner] for name, owner in shared.items()}
    except _FAULTS as error:
        raise _damaged(path, error) from error


def weight_shapes(path: str | Path) -> dict[str, Tensor]:
    """Read names, types and shapes only.

    Returns:
        Weights without memory, on the device ``meta``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged.
    """
    _must_be_there(path)
    try:
        with safe_open(path, framework='pt') as file:
            found = {
                name: torch.empty(file.get_slice(name).get_shape(), device='meta')
                for name in file.keys()  # noqa: SIM118 - it is no dict
            }
            shared = _shared(file.metadata())
        return found | {name: found[owner] for name, owner in shared.items()}
    except _FAULTS as error:
        raise _damaged(path, error) from error


def sort_header(path: Path) -> None:
    """Put the header of a safetensors file in alphabetical order, whatever wrote it.

    The library writes the metadata in an order that changes from run to run.

    Raises:
        OSError: The file cannot be written.
    """
    partial = path.with_name(f'.{path.name}.partial')
    try:
        with path.open('rb') as source, partial.open('wb') as target:
            size = int.from_bytes(source.read(8), 'little')
            header = json.loads(source.read(size))
            text = json.dumps(header, sort_keys=True, ensure_ascii=False).encode()
            text += b' ' * (-len(text) % 8)
            target.write(len(text).to_bytes(8, 'little') + text)
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def _shared(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return dict(json.loads((metadata or {}).get(_SHARED, '{}')))


def _must_be_there(path: str | Path) -> None:
    if not Path(path).is_file():
        raise FileNotFoundError(f'There is no file of weights at {path}.')


def _damaged(path: str | Path, error: Exception) -> ValueError:
    return ValueError(f'{path} is no file of weights, or damaged ({error}); get it again.')


def without(weights: Mapping[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """Return the weights whose names do not begin with one of the prefixes."""
    return {name: value for name, value in weights.items() if not name.startswith(tuple(prefixes))}
