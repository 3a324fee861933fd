"""Work in threads ahead of who takes the results, in order and within bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ['batched', 'prefetched']

_In = TypeVar('_In')
_Out = TypeVar('_Out')


def prefetched(
    function: Callable[[_In], _Out], tasks: Iterable[_In], workers: int, ahead: int
) -> Iterator[_Out]:
    """Yield ``function(task)`` of all tasks, in their order.

    Args:
        function: Called in a worker thread; NumPy, OpenCV and zlib leave the others running.
        tasks: Taken one by one, in the caller's thread.
        workers: Threads; 0 calls the function when its result is taken.
        ahead: Results that wait at most, at least 1, so that memory does not grow.

    Raises:
        Exception: Whatever the function raises, at its place.
    """
    if workers < 1:
        yield from map(function, tasks)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix='medglip-read')
    waiting: deque[Future[_Out]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def batched(items: Iterable[_In], size: int, counts: Callable[[_In], bool]) -> Iterator[list[_In]]:
    """Collect items to lists with ``size`` that count each; others ride along, in their order.

    A list of so many that do not count is given away as it is, so that they do not gather.
    """
    batch: list[_In] = []
    counted = 0
    for item in items:
        batch.append(item)
        counted += counts(item)
        if counted == size or len(batch) - counted >= size:
            yield batch
            batch, counted = [], 0
    if batch:
        yield batch
