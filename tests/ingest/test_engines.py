"""Where tasks run."""

import operator
import os
import signal
from collections.abc import Callable

import pytest

from mmdet_medglip.ingest.engines import TaskEngine, WorkerDiedError, run_isolated


def run(engine: str, function: Callable, tasks: list[tuple]) -> list:
    with TaskEngine(engine, 2) as started:
        return list(started.run(function, tasks))


TASKS = [(number, number) for number in range(7)]


@pytest.mark.parametrize('engine', ['serial', 'processes', 'dask'])
def test_all_results_come(engine: str) -> None:
    if engine == 'dask':
        pytest.importorskip('distributed', reason='Dask is not installed')
    results = run(engine, operator.mul, TASKS)
    assert sorted(results) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize(('engine', 'here'), [('serial', True), ('processes', False)])
def test_where_tasks_run(engine: str, here: bool) -> None:
    assert (set(run(engine, os.getpid, [()] * 3)) == {os.getpid()}) == here


def test_no_tasks() -> None:
    assert run('processes', operator.mul, []) == []


@pytest.mark.parametrize('engine', ['serial', 'processes'])
def test_errors_of_the_function_come_through(engine: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal for int.*'x'"):
        run(engine, int, [('x',)])


def test_death_of_a_worker_is_told() -> None:
    with pytest.raises(WorkerDiedError):
        run('processes', os.abort, [()])


def test_engine_goes_on_after_a_death() -> None:
    with TaskEngine('processes', 1) as engine:
        with pytest.raises(WorkerDiedError):
            list(engine.run(os.abort, [()]))
        assert list(engine.run(operator.mul, [(2, 3)])) == [6]
        first, second = (set(engine.run(os.getpid, [()])) for _ in range(2))
        assert first == second


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'kind': 'spark'}, "'engine' must be one of processes, serial, dask, got 'spark'"),
        ({'workers': 0}, "'workers' must be >= 1, got 0"),
    ],
    ids=['engine', 'workers'],
)
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TaskEngine(**options)


@pytest.mark.parametrize(
    ('function', 'arguments', 'code'),
    [(operator.mul, (2, 3), 0), (int, ('x',), 1), (os.abort, (), -signal.SIGABRT)],
    ids=['ok', 'error', 'killed'],
)
def test_isolated_call_tells_how_it_ended(function: Callable, arguments: tuple, code: int) -> None:
    assert run_isolated(function, arguments) == code
