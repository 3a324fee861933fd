"""Turn sources into a store: plan, tasks, publication; killed at any time, continued."""

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import StoreIndex
from mmdet_medglip.store.layout import INGEST_DIR, REJECTS_FILE, STORE_FILE

from .deidentify import load_or_create_key
from .engines import TaskEngine
from .parts import Workbench
from .plan import SourcePlan, plan_source
from .publish import forget_source, key_check, publish_source, sweep_images
from .recipe import Recipe
from .rejects import read_rejects
from .report import SourceReport
from .stages import SourceSetup, SourceStages
from .tasks import OpenSource, Progress, finish_sources

__all__ = ['IngestError', 'private_folder', 'remove_source', 'run_ingest']


class IngestError(ValueError):
    """The ingest cannot go on; the message says what to do."""


def run_ingest(
    recipes: Sequence[Recipe],
    data_root: str | Path,
    store_root: str | Path,
    *,
    name: str | None = None,
    engine: str = 'processes',
    workers: int = 1,
    scheduler: str | None = None,
    limit: int | None = None,
    leakage: str = 'flag',
    key_file: str | Path | None = None,
    imports: Sequence[str] = (),
    ontology: Ontology | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[SourceReport]:
    """Add sources to a store, made if it is not there.

    Sources are published one after the other: readers of the store see each as a whole or not at
    all. A source that the store has from the same recipe and files is left alone. A run that was
    killed continues when it is called again with the same arguments, and what comes out depends
    neither on that nor on the engine or the number of workers.

    Args:
        recipes: The sources, in the order in which the store will have them.
        data_root: Folder that their roots are relative to.
        store_root: Folder of the store.
        name: What a new store calls itself; the name of its folder if None.
        engine: See :data:`mmdet_medglip.ingest.engines.ENGINES`.
        workers: Number of worker processes.
        scheduler: Address of a Dask scheduler.
        limit: Take only the first items of each source.
        leakage: What becomes of near copies across splits; see ``ingest.copies.judge``.
        key_file: Key of the pseudonyms, for recipes that want them; by default
            ``<store>.private/key``, drawn when first needed.
        imports: Modules that register readers of your own; workers import them too.
        ontology: Known names; the packaged ontology if None.
        on_progress: Called at the start of each source and after each task.

    Returns:
        One report for each recipe.

    Raises:
        FileNotFoundError: If a data set is missing or has no image.
        FileExistsError: If ``store_root`` holds something that is not a store.
        IngestError: If another ingest works on the store, or it has a source of the same name
            from another recipe, other files or another key.
        RecipeError: If a recipe is wrong.
        OSError: If the machine is at its limit, such as a full disk.
    """
    data_root, store_root = Path(data_root).absolute(), Path(store_root).absolute()
    _check_target(store_root)
    twice = [r for r, count in Counter(recipe.name for recipe in recipes).items() if count > 1]
    if twice:
        raise IngestError(f'Recipe {twice[0]!r} is given twice; give each once.')
    key = None
    if any(recipe.identifiers == 'pseudonymous' for recipe in recipes):
        path = Path(key_file) if key_file else private_folder(store_root) / 'key'
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = load_or_create_key(path)
    for recipe in recipes:
        setup = SourceSetup(recipe, data_root, store_root, imports=tuple(imports))
        SourceStages(setup, ontology).reader  # noqa: B018 - a wrong recipe shows before any work
    reports = []
    with _locked(store_root), TaskEngine(engine, workers, scheduler) as runner:
        index = _index(store_root, name or store_root.name)
        known = {source['name']: source for source in index.sources}

        def opened() -> Iterator[OpenSource]:
            for recipe in recipes:
                plan = plan_source(
                    recipe,
                    data_root,
                    store_root,
                    key=key,
                    limit=limit,
                    imports=tuple(imports),
                    ontology=ontology,
                )
                if recipe.name in known:
                    _check_same(store_root, plan, known[recipe.name])
                    yield OpenSource(plan, None)
                    continue
                bench = Workbench(store_root / INGEST_DIR / recipe.name, plan.state)
                if not bench.open():
                    sweep_images(store_root, recipe.name, set())
                yield OpenSource(plan, bench)

        done = finish_sources(opened(), runner, ontology=ontology, on_progress=on_progress)
        for source in done:
            if source.bench is None:
                entry = dict(known[source.plan.name])
                reports.append(SourceReport(source.plan.name, False, entry))
                continue
            index = publish_source(
                source.plan,
                source.bench,
                index,
                leakage=leakage,
                names=private_folder(store_root) / 'names',
                ontology=ontology,
            )
            source.bench.remove()
            entry = dict(index.sources[-1])
            seconds = time.monotonic() - source.started
            unmapped = _unmapped(store_root, source.plan.name)
            reports.append(SourceReport(source.plan.name, True, entry, seconds, unmapped))
    return reports


def remove_source(store_root: str | Path, source: str) -> None:
    """Take a source out of a store.

    Args:
        store_root: Folder of the store.
        source: Name of the source.

    Raises:
        FileNotFoundError: If there is no store.
        IngestError: If the store does not have the source, or an ingest works on it.
    """
    root = Path(store_root).absolute()
    StoreIndex.read(root)
    with _locked(root):
        index = StoreIndex.read(root)
        if all(entry['name'] != source for entry in index.sources):
            known = ', '.join(entry['name'] for entry in index.sources) or 'none'
            raise IngestError(f'{root} has no source {source!r}; it has {known}.')
        forget_source(root, index, source)


def private_folder(store_root: Path) -> Path:
    """Return the folder for what must not be passed on with a store: key and original names."""
    return store_root.with_name(f'{store_root.name}.private')


def _check_target(root: Path) -> None:
    ours = (root / STORE_FILE).is_file() or (root / INGEST_DIR).is_dir()
    if root.exists() and not ours and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f'{root} exists and is not a store; choose another folder or remove it.'
        )


def _index(root: Path, name: str) -> StoreIndex:
    return StoreIndex.read(root) if (root / STORE_FILE).is_file() else StoreIndex.new(name)


def _check_same(root: Path, plan: SourcePlan, known: Mapping[str, Any]) -> None:
    """Check that a source of the store is what the plan would make."""
    key = '' if plan.setup.key is None else key_check(plan.setup.key)
    for what, stored, planned in (
        ('recipe', known.get('digest'), plan.setup.recipe.digest),
        ('set of files', known.get('inputs'), plan.inputs),
        ('key', known.get('key', ''), key),
    ):
        if stored != planned:
            raise IngestError(
                f'{root} has the source {plan.name!r} from another {what}. To replace it, run '
                f'"python tools/ingest.py remove {root} {plan.name}" first; or rename the recipe.'
            )


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Let one ingest at a time work on a store."""
    folder = root / INGEST_DIR
    with _held(folder / 'lock'):
        try:
            yield
        finally:
            _remove_if_empty(folder)


def _held(path: Path) -> IO[str]:
    """Open and lock a file that whoever holds it may remove.

    Raises:
        IngestError: Somebody holds it.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = path.open('w')
        except FileNotFoundError:
            continue  # The folder went with the lock before.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise IngestError(
                f'Another ingest works on {path.parent.parent}; wait for it, or stop it and run '
                'again.'
            ) from None
        if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
            return lock
        lock.close()  # It was removed before it was locked: another one may hold a new one.


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder of unfinished work, and the store's, where nothing was begun."""
    if [path.name for path in folder.iterdir()] == ['lock']:
        (folder / 'lock').unlink()
        folder.rmdir()
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _unmapped(root: Path, source: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for reject in read_rejects(root / REJECTS_FILE):
        if reject.source == source and reject.reason == 'name is not mapped':
            counts[reject.detail] += reject.count
    return counts
