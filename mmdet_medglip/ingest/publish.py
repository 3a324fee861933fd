"""The end of a source: checks across images, shards, index."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore, StoreIndex
from mmdet_medglip.store.layout import (
    IMAGES_DIR,
    REJECTS_FILE,
    SHARDS_DIR,
    STORE_FILE,
    decode_record,
)
from mmdet_medglip.structures import Record

from .copies import ImageTable, Verdict, judge
from .file_names import safe_name
from .parts import Workbench
from .plan import SourcePlan
from .regions import Left
from .rejects import Reject, read_rejects, summarise_rejects, write_rejects
from .shards import SourceWriter
from .stages import SourceStages

__all__ = ['forget_source', 'key_check', 'publish_source', 'sweep_images', 'write_crosswalk']


def publish_source(
    plan: SourcePlan,
    bench: Workbench,
    index: StoreIndex,
    *,
    leakage: str = 'flag',
    names: Path | None = None,
    ontology: Ontology | None = None,
) -> StoreIndex:
    """Judge the records of a finished source, write its shards, and publish it.

    Nothing that a reader of the store uses changes before the index does, which is one step. A
    killed call can be repeated.

    Args:
        plan: The source; all its tasks are done.
        bench: Where the parts of its tasks are.
        index: Index of the store as it is.
        leakage: See ``ingest.copies.judge``.
        names: Folder for the original names behind pseudonyms.
        ontology: Known names; the packaged ontology if None.

    Returns:
        The index that was published.
    """
    root = plan.setup.store_root
    ontology = ontology or Ontology.default()
    verdicts = judge(_known(root), _new(plan, bench), leakage)
    listed = SourceStages(plan.setup, ontology).adopt(plan.rejects)
    rejects = list(listed.rejects)
    for part in bench.load_all(plan.num_tasks):
        rejects += part.rejects
    kept: set[str] = set()
    flags: Counter[str] = Counter()
    with SourceWriter(root, plan.name, ontology=ontology) as writer:
        for record, fingerprint, verdict in _judged(plan, bench, verdicts):
            if verdict.left is not None:
                rejects.append(_reject(record, verdict.left))
                continue
            record = replace(record, flags=tuple(sorted({*record.flags, *verdict.flags})))
            writer.add(record, fingerprint)
            flags.update(record.flags)
            kept.add(record.image_path)
        entry = writer.finish()
    sweep_images(root, plan.name, kept)
    if plan.setup.key is not None and names is not None:
        told = set(listed.names)
        for part in bench.load_all(plan.num_tasks):
            told.update(part.names)
        write_crosswalk(names / f'{plan.name}.parquet', told)
    _write_rejects(root, plan.name, rejects)
    recipe = plan.setup.recipe
    entry |= {
        'title': recipe.title,
        'url': recipe.url,
        'licence': recipe.licence,
        'digest': recipe.digest,
        'inputs': plan.inputs,
        'identifiers': recipe.identifiers,
        'flags': dict(sorted(flags.items())),
        'rejected': summarise_rejects(rejects),
    }
    if plan.setup.key is not None:
        entry['key'] = key_check(plan.setup.key)
    published = index.with_source(entry, ontology)
    published.publish(root)
    return published


def forget_source(root: Path, index: StoreIndex, source: str) -> StoreIndex:
    """Take a source out of the index, then its files off the disk.

    Args:
        root: Folder of the store.
        index: Index of the store as it is.
        source: Name of one of its sources.

    Returns:
        The index that was published.
    """
    published = StoreIndex.new(index.name)
    for entry in index.sources:
        if entry['name'] != source:
            published = published.with_source(entry)
    published.publish(root)
    shutil.rmtree(root / SHARDS_DIR / safe_name(source), ignore_errors=True)
    sweep_images(root, source, set())
    _write_rejects(root, source, [])
    return published


def sweep_images(root: Path, source: str, kept: set[str]) -> None:
    """Remove images of a source that no record names: those of rejected or unfinished work.

    Args:
        root: Folder of the store.
        source: Name of the source.
        kept: Paths relative to ``root`` that stay.
    """
    for top in (root / IMAGES_DIR).glob(f'*/{safe_name(source)}'):
        for folder, _, files in os.walk(top, topdown=False):
            for name in files:
                path = Path(folder, name)
                if path.relative_to(root).as_posix() not in kept:
                    path.unlink()
            if not os.listdir(folder):
                os.rmdir(folder)


def write_crosswalk(path: Path, names: set[tuple[str, str, str]]) -> None:
    """Write which name stands for which, for the owner of the data only.

    Args:
        path: Parquet file with the columns ``kind``, ``pseudonym`` and ``name``.
        names: Its rows.
    """
    columns = zip(*sorted(names), strict=True) if names else ((), (), ())
    table = pa.table(dict(zip(('kind', 'pseudonym', 'name'), map(list, columns), strict=True)))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f'.{path.name}.partial')
    partial.touch(mode=0o600)
    pq.write_table(table, partial)
    partial.replace(path)


def key_check(key: bytes) -> str:
    """Return what tells a key from another without telling the key, 16 hex digits."""
    return hashlib.sha256(b'check' + key).hexdigest()[:16]


def _known(root: Path) -> ImageTable:
    """Describe the images that the store has."""
    if not (root / STORE_FILE).is_file():
        return ImageTable.of((), (), (), b'')
    return ImageTable.of_store(GroundingStore(root))


def _new(plan: SourcePlan, bench: Workbench) -> ImageTable:
    """Describe the images of a finished source."""
    ids, patients, splits = [], [], []
    fingerprints = bytearray()
    for part in bench.load_all(plan.num_tasks):
        for entry in part.entries:
            record = decode_record(entry.record)
            ids.append(record.image_id)
            patients.append(record.patient_id)
            splits.append(record.split)
            fingerprints += entry.fingerprint
    return ImageTable.of(ids, patients, splits, bytes(fingerprints))


def _judged(
    plan: SourcePlan, bench: Workbench, verdicts: list[Verdict]
) -> Iterator[tuple[Record, bytes, Verdict]]:
    judged = iter(verdicts)
    for part in bench.load_all(plan.num_tasks):
        for entry in part.entries:
            yield decode_record(entry.record), entry.fingerprint, next(judged)


def _reject(record: Record, left: Left) -> Reject:
    name = record.image_id.removeprefix(f'{record.source}/')
    return Reject(record.source, name, left.stage, left.reason, left.detail)


def _write_rejects(root: Path, source: str, rejects: list[Reject]) -> None:
    """Replace the rows of a source; those of others stay."""
    path = root / REJECTS_FILE
    others = [reject for reject in read_rejects(path) if reject.source != source]
    write_rejects(path, [*others, *rejects])
