"""The tasks of a source: run where the engine says, saved one by one, survived when one kills."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from mmdet_medglip.ontology import Ontology

from .engines import TaskEngine, WorkerDiedError, run_isolated
from .parts import Part, Workbench
from .plan import SourcePlan
from .rejects import Reject
from .source import SourceItem
from .stages import ItemOutcome, SourceSetup, SourceStages

__all__ = ['Progress', 'Tally', 'finish_tasks']

_SUSPECTS_PER_WORKER = 2


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
        items: Number of its items.
        images: Number of images taken.
        rejects: Number of rejects noted.
    """

    items: int
    images: int
    rejects: int


def finish_tasks(
    plan: SourcePlan,
    bench: Workbench,
    engine: TaskEngine,
    *,
    ontology: Ontology | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> None:
    """Run the tasks of a source that are not done yet.

    If a task kills its process (a decoder that crashes, or memory that runs out), those that were
    under way run again, each in a process of its own, then item by item: an item that kills
    again is rejected and everything else is kept.

    Args:
        plan: The source.
        bench: Where parts are kept; open.
        engine: Where tasks run.
        ontology: Known names; the packaged ontology if None.
        on_progress: Called at the start and after each task.
    """
    progress = _ProgressOf(plan, bench, on_progress)
    while True:
        todo = [number for number in range(plan.num_tasks) if not bench.is_done(number)]
        calls = [(plan.setup, bench, number, plan.task(number), ontology) for number in todo]
        try:
            for tally in engine.run(_run_task, calls):
                progress.add(tally)
            return
        except WorkerDiedError:
            left = [number for number in todo if not bench.is_done(number)]
            for number in left[: _SUSPECTS_PER_WORKER * engine.workers + 1]:
                progress.add(_rescue(plan, bench, number, ontology))


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
    return _tally(items, part)


_Arguments = tuple[SourceSetup, Workbench, int, Sequence[SourceItem], Ontology | None]
_LAST: dict[tuple[Path, str], SourceStages] = {}


def _stages(setup: SourceSetup, bench: Workbench, ontology: Ontology | None) -> SourceStages:
    """Return the stages of a source; a process keeps those of the last source it worked on."""
    key = (bench.folder, bench.state)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = SourceStages(setup, ontology)
    return _LAST[key]


def _rescue(plan: SourcePlan, bench: Workbench, number: int, ontology: Ontology | None) -> Tally:
    """Do a task that may kill its process: as a whole, else item by item."""
    items = plan.task(number)
    arguments = (plan.setup, bench, number, items, ontology)
    if run_isolated(_run_task, arguments) < 0:
        scratch = Workbench(bench.folder / 'rescue', bench.state)
        scratch.remove()
        scratch.open()
        parts = [
            _rescue_item((plan.setup, scratch, place, [item], ontology))
            for place, item in enumerate(items)
        ]
        bench.save(number, _joined(parts))
        scratch.remove()
    elif not bench.is_done(number):
        return _run_task(*arguments)
    return _tally(items, bench.load(number))


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


def _tally(items: Sequence[SourceItem], part: Part) -> Tally:
    return Tally(len(items), len(part.entries), len(part.rejects))


class _ProgressOf:
    """Adds up what tasks did, and tells."""

    def __init__(
        self, plan: SourcePlan, bench: Workbench, tell: Callable[[Progress], None] | None
    ) -> None:
        done = sum(
            len(plan.task(number)) for number in range(plan.num_tasks) if bench.is_done(number)
        )
        self._now = Progress(plan.name, done, len(plan.items))
        self._tell = tell or (lambda progress: None)
        self._tell(self._now)

    def add(self, tally: Tally) -> None:
        self._now = replace(
            self._now,
            items=self._now.items + tally.items,
            images=self._now.images + tally.images,
            rejects=self._now.rejects + tally.rejects,
        )
        self._tell(self._now)
