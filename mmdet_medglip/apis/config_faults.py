"""What is wrong with entries of a config, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ['config_faults']

_FAULTS = (TypeError, LookupError, AttributeError, AssertionError)
"""What classes raise that are given options which they do not have, or of another kind."""


@contextmanager
def config_faults(what: str) -> Iterator[None]:
    """Name the config in what its entries raise.

    Args:
        what: Begins the sentence, such as ``'The model of ct.py cannot be built'``.

    Raises:
        ValueError: Instead of errors that only programmers understand.
    """
    try:
        yield
    except _FAULTS as error:
        told = ' '.join(str(error.args[0] if error.args else '').split())
        reason = told.partition('. ')[0].rstrip('.') or type(error).__name__
        raise ValueError(
            f'{what}: {reason}; correct the config, or what overrides it (--cfg-options).'
        ) from error
