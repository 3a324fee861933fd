"""Stores of a suite: what is missing, and the commands that make them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from mmdet_medglip.ingest import load_recipe
from mmdet_medglip.store import StoreIndex
from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.store.layout import STORE_FILE

from .suite import Source, Suite, SuiteError

__all__ = ['StorePlan', 'plan_stores', 'store_digest']


class StorePlan(msgspec.Struct, frozen=True):
    """A store and how it comes about.

    Args:
        name: Of the data in the suite.
        root: Folder of the store.
        command: Program of tools/ and its arguments that make it; None for one that is there.
        stamp: File that remembers what it was made of; None for one that somebody else made.
        digest: Of what it is made of.
    """

    name: str
    root: Path
    command: tuple[str, ...] | None
    stamp: Path | None = None
    digest: str = ''

    def finish(self) -> None:
        """Remember that the store was made, and of what."""
        if self.stamp is not None:
            replace_file(self.stamp, json.dumps({'digest': self.digest}).encode())


def plan_stores(
    suite: Suite,
    names: Iterable[str],
    out: Path,
    *,
    data_root: Path | None = None,
    stores: Mapping[str, Path] | None = None,
    jobs: int = 1,
) -> dict[str, StorePlan]:
    """Say where the stores of a suite are, and which have to be made how.

    Args:
        suite: The suite.
        names: Data that is needed.
        out: Folder of the benchmark.
        data_root: Folder of the downloaded data sets.
        stores: Stores that are there, by the name of the data.
        jobs: Processes that make a store.

    Returns:
        A plan for each name.

    Raises:
        SuiteError: If data is missing, in one sentence for all of it; if a store in ``out`` was
            made of something else; if ``stores`` names data that the suite lacks.
    """
    stores = dict(stores or {})
    unknown = [name for name in stores if name not in suite.data]
    if unknown:
        raise SuiteError(
            f'Suite {suite.name!r} has no data {unknown[0]!r}; --store takes NAME=FOLDER with one '
            f'of {", ".join(suite.data)}.'
        )
    plans: dict[str, StorePlan] = {}
    missing: list[str] = []
    for name in names:
        if name in stores:
            if (stores[name] / STORE_FILE).is_file():
                plans[name] = StorePlan(name, stores[name].absolute(), None)
            else:
                missing.append(f'{stores[name]} is no store (it has no {STORE_FILE})')
            continue
        lack = _lack(name, suite.data[name], data_root)
        if lack:
            missing.append(lack)
        else:
            plans[name] = _plan(name, suite.data[name], out.absolute(), data_root, jobs)
    if missing:
        raise SuiteError(f'Suite {suite.name!r} lacks data: {"; ".join(missing)}.')
    return plans


def _lack(name: str, source: Source, data_root: Path | None) -> str:
    """Say what a store needs that is not there; empty if nothing."""
    if source.store is not None:
        return f'{name} ({source.store}); name its store by --store {name}=FOLDER'
    if source.recipes is None:
        return ''
    if data_root is None:
        return (
            f'{name} is made of {", ".join(source.recipes)}; name the folder that holds them by '
            f'--data-root, or a finished store by --store {name}=FOLDER'
        )
    recipes = [load_recipe(recipe) for recipe in source.recipes]
    absent = [recipe.root for recipe in recipes if not (data_root / recipe.root).is_dir()]
    return f'{data_root} has no {", ".join(absent)}, needed for {name}' if absent else ''


def _plan(name: str, source: Source, out: Path, data_root: Path | None, jobs: int) -> StorePlan:
    folder = out / 'data' / name
    root = folder / 'store'
    text = msgspec.json.encode(source, order='sorted')
    digest = hashlib.sha256(text).hexdigest()
    stamp = folder.with_name(f'{name}.json')
    if stamp.is_file() and (root / STORE_FILE).is_file():
        if json.loads(stamp.read_text()).get('digest') != digest:
            raise SuiteError(
                f'{folder} was made of other data than the suite names now; remove it, or choose '
                'another --out.'
            )
        return StorePlan(name, root, None)
    command = _command(source, folder, data_root, jobs)
    return StorePlan(name, root, command, stamp, digest)


def _command(source: Source, folder: Path, data_root: Path | None, jobs: int) -> tuple[str, ...]:
    if source.demo is not None:
        demo = source.demo
        command = ['make_demo_data.py', '--out', str(folder), '--seed', str(demo.seed)]
        command += ['--jobs', str(jobs)]
        if demo.patients is not None:
            command += ['--patients', str(demo.patients)]
        if demo.modalities is not None:
            command += ['--modalities', *demo.modalities]
        return tuple(command)
    command = ['ingest.py', 'run', *(source.recipes or ()), '--data-root', str(data_root)]
    return (*command, '--out', str(folder / 'store'), '--workers', str(jobs), '--no-card')


def store_digest(root: Path) -> str:
    """Return a digest of the records of a store, and of the pixels where they have fingerprints.

    Raises:
        FileNotFoundError: If there is no store.
        ValueError: If it is damaged.
    """
    index = StoreIndex.read(root)
    shards = [shard['sha256'] for source in index.sources for shard in source['shards']]
    return hashlib.sha256('\n'.join([*shards, *index.labels]).encode()).hexdigest()
