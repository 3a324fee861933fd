"""Random numbers of a sample, from the epoch and its place in the data set alone."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dist import get_rank
from torch.utils.data import get_worker_info

__all__ = ['SampleClock', 'seed_of']


def seed_of(*numbers: int) -> int:
    """Return a seed, below ``2 ** 32``, of some numbers of at least 0.

    Example:
        >>> seed_of(0, 1) == seed_of(0, 1), seed_of(0, 1) == seed_of(1, 0)
        (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class SampleClock:
    """Which epoch it is, told to the worker processes of a data loader too.

    Workers that live for several epochs go on with the random numbers of the epoch before, those
    that begin anew repeat them: in both cases a resumed training sees other random views than one
    that was not interrupted. Within :meth:`seeded` they depend on seed, epoch and sample alone,
    and on the rank and worker that reads it: several may visit one sample in an epoch, and shall
    not see it alike.
    """

    def __init__(self) -> None:
        # Shared with forked and spawned workers from the first epoch on.
        self._now = torch.full((3,), -1, dtype=torch.int64)
        self._seen: dict[int, int] = {}
        self._seen_in = -1

    def begin(self, seed: int, epoch: int) -> None:
        """Begin an epoch; until the first one, random numbers are left alone."""
        self._now.share_memory_()  # A copy of this object has memory of its own.
        self._now[:] = torch.tensor([seed, epoch, get_rank()])

    @property
    def epoch(self) -> int:
        """The epoch; -1 before the first."""
        return int(self._now[1])

    @contextlib.contextmanager
    def seeded(self, index: int) -> Iterator[None]:
        """Draw from numbers of this epoch and sample; those around the block go on behind it.

        Args:
            index: Place of the sample; another visit in an epoch draws others.
        """
        seed, epoch, rank = self._now.tolist()
        if epoch < 0:
            yield
            return
        if self._seen_in != epoch:
            self._seen, self._seen_in = {}, epoch
        visit = self._seen.get(index, 0)
        self._seen[index] = visit + 1
        before = random.getstate(), np.random.get_state(), torch.get_rng_state()
        worker = get_worker_info()
        own = seed_of(seed, epoch, index, visit, rank, 0 if worker is None else worker.id)
        random.seed(own)
        np.random.seed(own)
        torch.default_generator.manual_seed(own)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
            torch.set_rng_state(before[2])
