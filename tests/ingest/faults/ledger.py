"""Data sets of which nearly every item is damaged, and the account of what became of each."""

import faulthandler
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import numpy as np

from mmdet_medglip.ingest import run_ingest
from mmdet_medglip.ingest.images import read_image
from mmdet_medglip.ingest.readers import RecipeError
from mmdet_medglip.ingest.recipe import parse_recipe
from mmdet_medglip.ingest.rejects import Reject, read_rejects
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

__all__ = ['Document', 'Fault', 'Ledger', 'Suite', 'recipe_of', 'run_document', 'run_suite']

SECONDS = 30
"""Longest CPU time that one task of an ingest may take; a busy machine does not count."""
HANGING = 120
"""Longest time by the clock."""

_DOCUMENTED = (RecipeError, ValueError, FileNotFoundError, OSError)
_LONGEST = 600
_GOOD = 3
_STEM = re.compile(r'f\d{4}')
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Fault:
    """One damaged item.

    Args:
        name: What is wrong with it.
        files: Files that replace those of a good item; ``{stem}`` stands for its name.
        entry: What replaces its entry in an annotation file of the whole data set.
        outcome: ``rejected`` if nothing of it may be taken, ``noted`` if something must be
            rejected, ``any`` if it may be harmless, ``taken`` if it is odd and sound.
    """

    name: str
    files: Files = field(default_factory=dict)
    entry: Any = None
    outcome: Literal['rejected', 'noted', 'any', 'taken'] = 'rejected'


@dataclass(frozen=True)
class Suite:
    """Damaged items of one kind, which make one data set.

    Args:
        name: Name of the data set.
        recipe: Keys of its recipe, see ``recipe_of``.
        good: Files of a good item, by its name and number.
        faults: The damaged items.
        listing: Files of the whole data set, by the entry (None if good) of each item.
        regions: Regions of a good item on all of its images.
    """

    name: str
    recipe: Mapping[str, Any]
    good: Callable[[str, int], Files]
    faults: Sequence[Fault]
    listing: Callable[[Mapping[str, Any]], Files] | None = None
    regions: int = 1


@dataclass(frozen=True)
class Document:
    """A data set whose one annotation file, or recipe, is damaged as a whole.

    Args:
        name: What is wrong with it.
        recipe: Keys of its recipe.
        files: All files of the data set.
        file: Name of the damaged file, which errors and rejects must tell.
        outcome: ``error`` if there must be one error, ``any`` if it may be harmless or rejected.
        images: Number of images that a sound file has.
    """

    name: str
    recipe: Mapping[str, Any]
    files: Files
    file: str
    outcome: Literal['error', 'any'] = 'any'
    images: int = 0


@dataclass
class Ledger:
    """How many inputs were rejected, harmless, or one error."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return sum(self.counts.values())


def recipe_of(name: str, reader: str, modality: str, **options: Any) -> dict[str, Any]:
    """Return the keys of a recipe."""
    about = {'title': 'Made for tests', 'url': 'https://example.org', 'licence': 'CC0-1.0'}
    head = {'name': name, 'root': name, 'reader': reader, 'modality': modality}
    return head | about | options


def run_suite(suite: Suite, folder: Path) -> Ledger:
    """Ingest the data set of a suite and account for every item of it."""
    items: dict[str, Fault | None] = {f'g{number:04d}': None for number in range(_GOOD)}
    items |= {f'f{number:04d}': fault for number, fault in enumerate(suite.faults)}
    root = folder / 'raw' / suite.name
    for number, (stem, fault) in enumerate(items.items()):
        files = dict(suite.good(stem, number))
        for name, data in ({} if fault is None else fault.files).items():
            files[name.format(stem=stem)] = data
        write_files(root, files)
    if suite.listing is not None:
        entries = {stem: None if fault is None else fault.entry for stem, fault in items.items()}
        write_files(root, suite.listing(entries))
    store, rejects = ingest(suite.recipe, folder)
    return _account(suite, items, store, rejects)


def run_document(document: Document, folder: Path) -> Ledger:
    """Ingest a data set that is damaged as a whole: one clear error, or an account of its items."""
    write_files(folder / 'raw' / document.recipe['name'], document.files)
    try:
        store, rejects = ingest(document.recipe, folder)
    except _DOCUMENTED as error:
        check_message(str(error), document.file, document.recipe['name'])
        assert not (folder / 'store').exists(), f'{document.name}: a store is left behind'
        return Ledger(Counter(error=1))
    assert document.outcome == 'any', f'{document.name}: nothing was wrong with it'
    _check_rows(document.name, rejects)
    lost = document.images - len(store)
    assert lost <= 0 or rejects, f'{document.name}: {lost} images are lost'
    return Ledger(Counter(rejected=1) if rejects else Counter(harmless=1))


def ingest(recipe: Mapping[str, Any], folder: Path) -> tuple[list[Record], list[Reject]]:
    """Run an ingest in this process, against the clock, and read what it published."""
    out = folder / 'store'
    with _watched() as rewind:
        parsed = parse_recipe(dict(recipe))
        run_ingest(
            [parsed],
            folder / 'raw',
            out,
            name='s',
            engine='serial',
            on_progress=lambda progress: rewind(),
        )
    store = GroundingStore(out)
    assert store.verify() == ()
    records = list(store)
    for record in records:
        assert read_image(store.image_path(record)).shape[:2] == (record.height, record.width)
    return records, list(read_rejects(out / 'rejects.parquet'))


def write_files(root: Path, files: Files) -> None:
    """Write files, folders included."""
    root.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def check_message(text: str, *names: str) -> None:
    """Check that an error is short, or a list of names, and names the file or the data set."""
    assert any(name in text for name in names), f'{names} are not named: {text}'
    assert len(text) < _LONGEST or 'names have no label' in text, f'{len(text)}: {text[:300]}'
    text.encode()


def _account(
    suite: Suite, items: Mapping[str, Fault | None], store: list[Record], rejects: list[Reject]
) -> Ledger:
    _check_rows(suite.name, rejects)
    ledger = Ledger()
    strangers = {stem for row in rejects for stem in _STEM.findall(row.file)} - set(items)
    assert not strangers
    others = [row for row in rejects if not _STEM.search(row.file + row.detail)]
    unnamed = 0
    for stem, fault in items.items():
        taken = [record for record in store if stem in f'{record.image_id} {record.patient_id}']
        rows = [row for row in rejects if stem in row.file + row.detail]
        where = f'{suite.name} {stem} ({"good" if fault is None else fault.name})'
        if fault is None or fault.outcome == 'taken':
            assert taken, f'{where} is not there: {rows}'
            found = sum(len(record.instances) for record in taken)
            assert fault is not None or found == suite.regions, f'{where}: {found} regions'
            assert not rows, f'{where}: {rows}'
            continue
        assert fault.outcome != 'rejected' or not taken, f'{where} was taken: {taken[:1]}'
        by_line = not rows and (not taken or fault.outcome == 'noted')
        assert not by_line or others, f'{where} left no trace'
        unnamed += by_line
        ledger.counts['rejected' if rows or by_line else 'harmless'] += 1
    assert unnamed <= sum(row.count for row in others), f'{suite.name}: items are lost'
    ledger.counts['harmless'] += sum(f is not None and f.outcome == 'taken' for f in items.values())
    return ledger


def _check_rows(where: str, rejects: list[Reject]) -> None:
    for row in rejects:
        assert row.reason and row.file, f'{where}: {row}'
        assert not row.reason.startswith('the reader'), f'{where}: {row}'
        assert row.detail or row.reason != 'not readable or not valid', f'{where}: {row}'
        assert len(row.detail) < _LONGEST, f'{where}: {len(row.detail)} characters: {row}'


class _TooSlowError(BaseException):
    """A task takes too long; no handler of faults may swallow it."""


@contextmanager
def _watched() -> Iterator[Callable[[], None]]:
    """Stop what takes over ``SECONDS`` since the start, or since the last call of what is given.

    What takes ``HANGING`` seconds by the clock ends the process, with the place it hangs at.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooSlowError

    def rewind() -> None:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        faulthandler.dump_traceback_later(HANGING, exit=True)

    before = signal.signal(signal.SIGPROF, ring)
    rewind()
    try:
        yield rewind
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        faulthandler.cancel_dump_traceback_later()


def noise(shape: Sequence[int], seed: int, high: int = 255) -> np.ndarray:
    """Return pixels that no other seed gives."""
    return np.random.default_rng(seed).integers(0, high, tuple(shape)).astype(np.uint8)
