"""Read ``--cfg-options``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

__all__ = ['read_options']


def read_options(words: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` words as MMEngine does.

    Raises:
        ValueError: A word has no ``=``.
    """
    from mmengine.config import DictAction

    holder = argparse.Namespace(cfg_options={})
    try:
        DictAction([], 'cfg_options')(argparse.ArgumentParser(), holder, list(words))
    except ValueError:
        raise ValueError(f'--cfg-options expects KEY=VALUE, got {" ".join(words)}.') from None
    return holder.cfg_options
