"""One call of the benchmark: stores, leakage, runs, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mmdet_medglip.ingest.copies import ImageTable
from mmdet_medglip.store import GroundingStore

from .command import CommandError, ToolRunner
from .data import StorePlan, plan_stores
from .execute import execute_run
from .leakage import Leakage, find_leakage
from .plan import Run, plan_runs
from .suite import Entry, Suite

__all__ = ['Session']

Tell = Callable[[str], None]


@dataclass
class Session:
    """What one call works on; its methods are called in the order they stand here.

    Args:
        suite: The suite.
        out: Folder of everything it writes.
        repository: Folder that holds ``configs`` and ``tools``.
        tell: Called with a line on what is done.
        only: Names of entries; None takes all.
        data_root: Folder of downloaded data sets.
        stores: Stores that are there, by the name of the data.
        jobs: Runs at a time.
        any_code: Whether results that other code made are taken.
        failed: Why each run failed that did, by its name.
    """

    suite: Suite
    out: Path
    repository: Path
    tell: Tell
    only: list[str] | None = None
    data_root: Path | None = None
    stores: Mapping[str, Path] = field(default_factory=dict)
    jobs: int = 1
    any_code: bool = False
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Get ready to run the programs of the repository."""
        self.programs = ToolRunner(self.repository / 'tools')

    def plan_data(self) -> dict[str, StorePlan]:
        """Say where the stores are that the entries need.

        Raises:
            SuiteError: If data is missing.
        """
        entries = self.suite.selected(self.only)
        names = [self.suite.test_on, *(e.train_on for e in entries if e.train_on)]
        return plan_stores(
            self.suite,
            dict.fromkeys(names),
            self.out,
            data_root=self.data_root,
            stores=self.stores,
            jobs=self.jobs,
        )

    def make_data(self, plans: Mapping[str, StorePlan]) -> dict[str, Path]:
        """Make the stores that are not there.

        Returns:
            Folder of each store.

        Raises:
            CommandError: If a store cannot be made.
        """
        for name, plan in plans.items():
            if plan.command is None:
                continue
            self.tell(f'data {name}: {" ".join(plan.command)}')
            program, *arguments = plan.command
            self.programs.run(program, arguments, self.out / 'data' / f'{name}.log')
            plan.finish()
        return {name: plan.root for name, plan in plans.items()}

    def find_leakage(self, stores: Mapping[str, Path]) -> Leakage:
        """Compare the test images with all images that models are trained on.

        Raises:
            FileNotFoundError: If a store is not there.
            ValueError: If it is damaged.
        """
        tables = {name: ImageTable.of_store(GroundingStore(root)) for name, root in stores.items()}
        return find_leakage(self.suite.test_on, tables)

    def plan_runs(self, stores: Mapping[str, Path]) -> list[Run]:
        """Plan the runs of all entries whose data is there.

        Raises:
            FileNotFoundError: If a config does not exist.
            ValueError: If an override does not fit a config.
        """
        entries = [
            entry
            for entry in self.suite.entries
            if all(e.train_on in (None, *stores) for e in self.suite.line_of(entry.name))
        ]
        return plan_runs(self.suite, entries, stores, self.out, self.repository)

    def execute(self, runs: Sequence[Run]) -> None:
        """Carry out the runs of the selected entries, several at a time.

        A run that fails, and what starts from it, is noted in ``failed``; the others go on.
        """
        wanted: tuple[Entry, ...] = self.suite.selected(self.only)
        futures: dict[int, Future[None]] = {}
        with ThreadPoolExecutor(self.jobs) as pool:
            for run in runs:
                if run.entry in wanted and not run.lack:
                    # Runs start in this order, so what a run waits for is never behind it.
                    before = futures.get(id(run.parent))
                    futures[id(run)] = pool.submit(self._execute, run, before)
            try:
                for future in futures.values():
                    future.result()
            except BaseException:
                # An interrupt reaches this thread alone; the block ends when the others have.
                pool.shutdown(wait=False, cancel_futures=True)
                self.programs.end()
                raise

    def _execute(self, run: Run, before: Future[None] | None) -> None:
        if before is not None:
            before.result()
        if run.parent is not None and run.parent.name in self.failed:
            self.failed[run.name] = f'{run.parent.name} failed'
            return
        try:
            execute_run(run, self.programs, self.tell, any_code=self.any_code)
        except (CommandError, OSError, ValueError) as error:
            self.failed[run.name] = str(error)
            self.tell(f'{run.name}: failed. {error}')
