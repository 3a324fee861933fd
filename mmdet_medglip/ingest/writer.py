"""Write a whole store at once: records to shards, images to files, all or nothing."""

import os
import shutil
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import StoreIndex
from mmdet_medglip.store.durable import exchange
from mmdet_medglip.store.layout import IMAGES_DIR, REJECTS_FILE, SHARDS_DIR, STORE_FILE
from mmdet_medglip.structures import Record

from .image_files import store_image
from .rejects import Reject, count_rejects, summarise_rejects, write_rejects
from .shards import SHARD_ROWS, SourceWriter

__all__ = ['StoreWriter']


class StoreWriter:
    """Write records and their images into a new store.

    Used as a context manager. Everything goes to a partial folder beside ``root``, which takes
    the name ``root`` when the block ends well and is removed when it ends by an exception: a
    store is either whole or not there, and an old one stays until the new one is complete.
    Records of one source stay in the order in which they are added; sources come one after the
    other, in the order of their first record.

    Args:
        root: Folder of the store.
        name: What the store calls itself.
        ontology: Names that records may use; the packaged one if None.
        shard_rows: Records per shard, >= 1.
        overwrite: Whether an existing store may be replaced. Other folders never are.

    Raises:
        FileExistsError: If ``root`` holds a store and ``overwrite`` is False, or holds anything
            that is not a store.
        ValueError: If ``shard_rows`` is below 1.

    Example:
        >>> with StoreWriter('store', name='demo') as writer:  # doctest: +SKIP
        ...     writer.add(record, image)
    """

    def __init__(
        self,
        root: str | Path,
        *,
        name: str,
        ontology: Ontology | None = None,
        shard_rows: int = SHARD_ROWS,
        overwrite: bool = False,
    ) -> None:
        if shard_rows < 1:
            raise ValueError(f"'shard_rows' must be >= 1, got {shard_rows}.")
        self.root = Path(root).absolute()
        self.name = name
        self.ontology = ontology or Ontology.default()
        self._shard_rows = shard_rows
        self._check_target(overwrite)
        self._partial = self.root.with_name(f'.{self.root.name}.partial-{os.getpid()}')
        self._open = ExitStack()
        self._writers: dict[str, SourceWriter] = {}
        self._licences: dict[str, str | None] = {}
        self._image_ids: set[str] = set()
        self._rejects: list[Reject] = []

    def __enter__(self) -> 'StoreWriter':
        """Create the partial folder."""
        shutil.rmtree(self._partial, ignore_errors=True)
        (self._partial / SHARDS_DIR).mkdir(parents=True)
        (self._partial / IMAGES_DIR).mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the store in its place, or remove the partial folder after an exception."""
        try:
            if error is None:
                index = self._finish()
                self._move_into_place()
                self._log_summary(index)
        finally:
            self._open.close()
            shutil.rmtree(self._partial, ignore_errors=True)

    def add(self, record: Record, image: np.ndarray | Path) -> None:
        """Add one image and its record.

        Args:
            record: What is known of the image; its ``image_path`` is set here.
            image: Pixels, uint8 (H, W) or (H, W, 3) RGB or uint16 (H, W), written as PNG; or an
                image file, copied as it is where its kind allows, else rewritten as PNG.

        Raises:
            FileNotFoundError: If the image file does not exist.
            ValueError: If the record is not valid, its id is taken, or the image is damaged,
                too large, of another kind, or of another size than the record says.
        """
        record.validate(self.ontology)
        if record.image_id in self._image_ids:
            raise ValueError(
                f'Record {record.image_id!r}: image_id is taken; make it unique in the store.'
            )
        relative = store_image(self._partial, record, image)
        try:
            self._writer(record.source).add(replace(record, image_path=relative))
        except ValueError:
            (self._partial / relative).unlink()
            raise
        self._licences.setdefault(record.source, record.licence)
        self._image_ids.add(record.image_id)

    def reject(self, reject: Reject) -> None:
        """Note that something of a source was left out.

        Args:
            reject: What, at which stage, and why.
        """
        self._rejects.append(reject)

    @property
    def num_rejected(self) -> int:
        """Images and regions left out so far."""
        return sum(reject.count for reject in self._rejects)

    def _writer(self, source: str) -> SourceWriter:
        writer = self._writers.get(source)
        if writer is None:
            options: dict[str, Any] = {'ontology': self.ontology, 'shard_rows': self._shard_rows}
            writer = self._open.enter_context(SourceWriter(self._partial, source, **options))
            self._writers[source] = writer
        return writer

    def _finish(self) -> StoreIndex:
        """Write what is not written yet, the index last."""
        index = StoreIndex.new(self.name)
        rejects: dict[str, list[Reject]] = defaultdict(list)
        for reject in self._rejects:
            rejects[reject.source].append(reject)
        for source, licence in self._licences.items():
            entry = self._writers[source].finish()
            entry |= {'licence': licence, 'rejected': summarise_rejects(rejects[source])}
            index = index.with_source(entry, self.ontology)
        self._open.close()
        write_rejects(self._partial / REJECTS_FILE, self._rejects)
        index.publish(self._partial)
        return index

    def _check_target(self, overwrite: bool) -> None:
        if not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir())):
            return
        if not (self.root / STORE_FILE).is_file():
            raise FileExistsError(
                f'{self.root} exists and is not a store; choose another folder or remove it.'
            )
        if not overwrite:
            raise FileExistsError(
                f'{self.root} already holds a store; pass overwrite=True (--overwrite) to '
                'replace it.'
            )

    def _move_into_place(self) -> None:
        old = self.root.with_name(f'.{self.root.name}.old-{os.getpid()}')
        if self.root.exists():
            if exchange(self._partial, self.root):
                return  # The old one has the partial folder's name now, and goes with it.
            self.root.rename(old)
        try:
            self._partial.rename(self.root)
        except OSError:
            if old.exists():
                old.rename(self.root)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _log_summary(self, index: StoreIndex) -> None:
        records = sum(shard['rows'] for source in index.sources for shard in source['shards'])
        common = count_rejects(self._rejects).most_common(10)
        reasons = '; '.join(f'{count} x {reason}' for (_, reason), count in common)
        left_out = f', {self.num_rejected} left out ({reasons})' if reasons else ''
        print_log(f'Store {self.root}: {records} records{left_out}.', logger='current')
