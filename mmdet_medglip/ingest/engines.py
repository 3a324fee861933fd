"""Where the tasks of an ingest run: in this process, in others on this machine, on a cluster."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

__all__ = ['ENGINES', 'TaskEngine', 'WorkerDiedError', 'run_isolated']

_T = TypeVar('_T')
_TASKS_PER_WORKER = 2
_DEATHS = ('BrokenProcessPool', 'KilledWorker')

ENGINES = ('processes', 'serial', 'dask')
"""``serial``: this process. ``processes``: a pool on this machine. ``dask``: the workers of a
running Dask cluster, or of a local one that is started and stopped."""


class WorkerDiedError(RuntimeError):
    """A worker process ended in the middle of a task: by a crash, or for lack of memory."""


class TaskEngine:
    """Call a function once per task, on the workers of an engine.

    Used as a context manager. Workers start with the first task and stay for the next calls; after
    the death of one the next call starts new ones. At most two tasks per worker are under way, so
    that memory does not grow with their number.

    Args:
        kind: One of :data:`ENGINES`.
        workers: Number of processes, >= 1; a running Dask cluster has its own number.
        scheduler: Address of a running Dask scheduler, such as ``tcp://host:8786``, whose workers
            see the same folders; None starts a local cluster.

    Raises:
        ValueError: If the engine is unknown or ``workers`` is below 1.
    """

    def __init__(
        self, kind: str = 'processes', workers: int = 1, scheduler: str | None = None
    ) -> None:
        if kind not in ENGINES:
            raise ValueError(f"'engine' must be one of {', '.join(ENGINES)}, got {kind!r}.")
        if workers < 1:
            raise ValueError(f"'workers' must be >= 1, got {workers}.")
        self.workers = workers
        self._kind = kind
        self._scheduler = scheduler
        self._stack = ExitStack()
        self._executor: Executor | None = None

    def __enter__(self) -> 'TaskEngine':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the workers."""
        self._stop()

    def run(self, function: Callable[..., _T], tasks: Iterable[tuple[Any, ...]]) -> Iterator[_T]:
        """Yield the results of all calls as they are done, in any order.

        Args:
            function: Function of a module; it, its arguments and results must be picklable.
            tasks: Arguments of each call; taken as workers get free.

        Yields:
            Results.

        Raises:
            ModuleNotFoundError: If the engine is ``dask`` and it is not installed.
            WorkerDiedError: If a worker process dies; tasks under way are lost.
            Exception: Whatever the function raises.
        """
        if self._kind == 'serial':
            for task in tasks:
                yield function(*task)
            return
        waiting = iter(tasks)
        pending: set[Future[_T]] = set()
        try:
            for task in islice(waiting, _TASKS_PER_WORKER * self.workers):
                pending.add(self._start().submit(function, *task))
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    for task in islice(waiting, 1):
                        pending.add(self._start().submit(function, *task))
                    yield future.result()
        except Exception as error:
            self._stop()
            if type(error).__name__ in _DEATHS:
                raise WorkerDiedError(str(error)) from error
            raise

    def _start(self) -> Executor:
        if self._executor is None:
            if self._kind == 'dask':
                self._executor = self._stack.enter_context(_dask(self.workers, self._scheduler))
            else:
                context = multiprocessing.get_context('spawn')
                self._executor = ProcessPoolExecutor(self.workers, mp_context=context)
                self._stack.callback(self._executor.shutdown, cancel_futures=True)
        return self._executor

    def _stop(self) -> None:
        self._executor = None
        self._stack.close()


def run_isolated(function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """Call a function in a process of its own, whose death does no harm.

    Args:
        function: Function of a module; its result is dropped.
        arguments: Its arguments, picklable.

    Returns:
        Exit code of the process: 0 after a return, 1 after an exception, negative for the signal
        that ended it.
    """
    process = multiprocessing.get_context('spawn').Process(target=function, args=arguments)
    process.start()
    process.join()
    return int(process.exitcode or 0)


@contextmanager
def _dask(workers: int, scheduler: str | None) -> Iterator[Executor]:
    try:
        import dask
        from dask import distributed
    except ImportError as error:
        raise ModuleNotFoundError(
            "The engine 'dask' needs Dask: pip install 'dask[distributed]'."
        ) from error
    cluster: Any = nullcontext(scheduler)
    if scheduler is None:
        dask.config.set({'distributed.scheduler.allowed-failures': 0})
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        )
    with cluster as address, distributed.Client(address) as client:
        yield client.get_executor(pure=False, retries=0)
