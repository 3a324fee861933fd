"""The tasks of a source: run where the engine says, saved one by one, survived when one kills."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import cv2

from mmdet_medglip.ontology import Ontology

from .engines import TaskEngine, WorkerDiedError, run_isolated
from .parts import Part, Workbench
from .plan import SourcePlan
from .rejects import Reject
from .source import SourceItem
from .stages import ItemOutcome, SourceSetup, SourceStages

__all__ = ['OpenSource', 'Progress', 'Tally', 'finish_sources']

_SUSPECTS_PER_WORKER = 2
_Arguments = tuple[SourceSetup, Workbench, int, Sequence[SourceItem], Ontology | None]


@dataclass(frozen=True)
class Progress:
    """How far the work on a source is.

    Args:
        source: Its name.
        items: Items done, those of an earlier run included.
        total: Items in all.
        images: Images taken in this run.
        rejects: Rejects noted in this run.
    """

    source: str
    items: int
    total: int
    images: int = 0
    rejects: int = 0


@dataclass(frozen=True)
class Tally:
    """What a task did.

    Args:
        source: Name of its source.
        items: Number of its items.
        images: Number of images taken.
        rejects: Number of rejects noted.
    """

    source: str
    items: int
    images: int
    rejects: int


class OpenSource:
    """A source whose tasks are being done.

    Args:
        plan: The source.
        bench: Where its parts are kept, open; None if there is nothing to do.
    """

    def __init__(self, plan: SourcePlan, bench: Workbench | None) -> None:
        self.plan = plan
        self.bench = bench
        self.started = time.monotonic()
        numbers = range(plan.num_tasks) if bench is not None else range(0)
        self._todo = [n for n in numbers if bench is not None and not bench.is_done(n)]
        self._handed: list[int] = []
        undone = sum(len(plan.task(number)) for number in self._todo)
        self.progress = Progress(plan.name, len(plan.items) - undone, len(plan.items))
        self.left = len(self._todo)

    def calls(self, ontology: Ontology | None) -> Iterator[_Arguments]:
        """Yield the arguments of each task that is not done, and note that it was handed out."""
        for number in self._todo:
            self._handed.append(number)
            yield self._call(number, ontology)

    def lost(self, ontology: Ontology | None) -> list[_Arguments]:
        """Return the tasks that were handed out and are not done."""
        bench = self.bench
        numbers = [n for n in self._handed if bench is not None and not bench.is_done(n)]
        return [self._call(number, ontology) for number in numbers]

    def add(self, tally: Tally) -> Progress:
        """Note that a task is done."""
        self.left -= 1
        self.progress = replace(
            self.progress,
            items=self.progress.items + tally.items,
            images=self.progress.images + tally.images,
            rejects=self.progress.rejects + tally.rejects,
        )
        return self.progress

    def _call(self, number: int, ontology: Ontology | None) -> _Arguments:
        if self.bench is None:
            raise ValueError(f'Source {self.plan.name!r} has no task {number}.')
        return self.plan.setup, self.bench, number, self.plan.task(number), ontology


def finish_sources(
    sources: Iterable[OpenSource],
    engine: TaskEngine,
    *,
    ontology: Ontology | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Iterator[OpenSource]:
    """Run the tasks of sources, and yield each source in turn when all of its tasks are done.

    Tasks of the next source start while the last ones of this are under way, so that no worker
    waits. If a task kills its process (a decoder that crashes, or memory that runs out), those
    that were under way run again, each in a process of its own, then item by item: an item that
    kills again is rejected and everything else is kept.

    Args:
        sources: The sources; the next is taken when tasks of it are needed.
        engine: Where tasks run.
        ontology: Known names; the packaged ontology if None.
        on_progress: Called at the start of a source and after each task.

    Yields:
        The sources, in their order.
    """
    tell = on_progress or (lambda progress: None)
    under_way: deque[OpenSource] = deque()

    def stream() -> Iterator[_Arguments]:
        for source in sources:
            under_way.append(source)
            tell(source.progress)
            yield from source.calls(ontology)

    def note(tally: Tally) -> None:
        tell(next(s for s in under_way if s.plan.name == tally.source).add(tally))

    waiting, again = stream(), list[_Arguments]()
    while True:
        try:
            for tally in engine.run(_run_task, chain(again, waiting)):
                note(tally)
                while under_way and not under_way[0].left:
                    yield under_way.popleft()
            break
        except WorkerDiedError:
            lost = [call for source in under_way for call in source.lost(ontology)]
            if not lost:
                raise
            suspects = _SUSPECTS_PER_WORKER * engine.workers + 1
            for call in lost[:suspects]:
                note(_rescue(call))
            again = lost[suspects:]
    while under_way:
        yield under_way.popleft()


def _run_task(
    setup: SourceSetup,
    bench: Workbench,
    number: int,
    items: Sequence[SourceItem],
    ontology: Ontology | None = None,
) -> Tally:
    """Take the items of a task through all stages and save what they gave."""
    cv2.setNumThreads(1)
    stages = _stages(setup, bench, ontology)
    part = _part(stages.process(item) for item in items)
    bench.save(number, part)
    return _tally(setup, items, part)


_LAST: dict[tuple[Path, str], SourceStages] = {}


def _stages(setup: SourceSetup, bench: Workbench, ontology: Ontology | None) -> SourceStages:
    """Return the stages of a source; a process keeps those of the last source it worked on."""
    key = (bench.folder, bench.state)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = SourceStages(setup, ontology)
    return _LAST[key]


def _rescue(call: _Arguments) -> Tally:
    """Do a task that may kill its process: as a whole, else item by item."""
    setup, bench, number, items, ontology = call
    if run_isolated(_run_task, call) < 0:
        scratch = Workbench(bench.folder / 'rescue', bench.state)
        scratch.remove()
        scratch.open()
        parts = [
            _rescue_item((setup, scratch, place, [item], ontology))
            for place, item in enumerate(items)
        ]
        bench.save(number, _joined(parts))
        scratch.remove()
    elif not bench.is_done(number):
        return _run_task(*call)
    return _tally(setup, items, bench.load(number))


def _rescue_item(arguments: _Arguments) -> Part:
    setup, scratch, place, (item,), ontology = arguments
    code = run_isolated(_run_task, arguments)
    if code < 0:
        detail = f'ended by signal {-code}'
        died = Reject(setup.recipe.name, item.name, 'read', 'the reader process died', detail)
        return _part([SourceStages(setup, ontology).adopt([died])])
    if not scratch.is_done(place):
        _run_task(*arguments)
    return scratch.load(place)


def _part(outcomes: Iterable[ItemOutcome]) -> Part:
    return _joined([Part(o.entries, o.rejects, sorted(o.names)) for o in outcomes])


def _joined(parts: Sequence[Part]) -> Part:
    return Part(
        [entry for part in parts for entry in part.entries],
        [reject for part in parts for reject in part.rejects],
        sorted({name for part in parts for name in part.names}),
    )


def _tally(setup: SourceSetup, items: Sequence[SourceItem], part: Part) -> Tally:
    return Tally(setup.recipe.name, len(items), len(part.entries), len(part.rejects))
