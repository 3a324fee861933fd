"""Write a store: records to Arrow shards, images to files, all or nothing."""

import hashlib
import json
import os
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from mmengine.logging import print_log

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Record
from mmdet_medglip.structures.storage import (
    IMAGES_DIR,
    SCHEMA,
    SHARDS_DIR,
    SKIPPED_FILE,
    STORE_FILE,
    STORE_FORMAT,
    STORE_VERSION,
    row_from_record,
)

from .images import check_pixels, image_size, read_image, stored_suffix, write_png

__all__ = ['StoreWriter']

_UNSAFE = re.compile(r'[^A-Za-z0-9._-]+')


class StoreWriter:
    """Write records and their images into a new store.

    Used as a context manager. Everything goes to a partial folder beside ``root``, which takes
    the name ``root`` when the block ends well and is removed when it ends by an exception: a
    store is either whole or not there, and an old one stays until the new one is complete.

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
        shard_rows: int = 4096,
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
        self._rows: list[pa.RecordBatch] = []
        self._shards: list[dict[str, Any]] = []
        self._image_ids: set[str] = set()
        self._file_names: set[str] = set()
        self._skipped: Counter[str] = Counter()
        self._counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)
        self._sources: dict[str, str | None] = {}

    def __enter__(self) -> 'StoreWriter':
        """Create the partial folder."""
        shutil.rmtree(self._partial, ignore_errors=True)
        (self._partial / SHARDS_DIR).mkdir(parents=True)
        (self._partial / IMAGES_DIR).mkdir()
        (self._partial / SKIPPED_FILE).touch()
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
                self._flush()
                self._write_summary()
                self._move_into_place()
                self._log_summary()
        finally:
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
        relative = self._store_image(record, image)
        row = row_from_record(replace(record, image_path=relative))
        try:
            self._rows.append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ValueError(
                f'Record {record.image_id!r} has a value of a wrong type: {error}'
            ) from error
        self._image_ids.add(record.image_id)
        self._count(record)
        if len(self._rows) == self._shard_rows:
            self._flush()

    def skip(self, item: str, reason: str, detail: str = '') -> None:
        """Note that an item of the source was left out.

        Args:
            item: Name of the item, such as a file relative to its source.
            reason: Why, in words that other items may share; the summary counts by it.
            detail: What exactly, for this item.
        """
        self._skipped[reason] += 1
        line = {'item': item, 'reason': reason} | ({'detail': detail} if detail else {})
        with (self._partial / SKIPPED_FILE).open('a', encoding='utf-8') as file:
            file.write(json.dumps(line, ensure_ascii=False) + '\n')

    @property
    def num_skipped(self) -> int:
        """Items skipped so far."""
        return self._skipped.total()

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

    def _store_image(self, record: Record, image: np.ndarray | Path) -> str:
        where = f'Record {record.image_id!r}'
        suffix = None
        if isinstance(image, np.ndarray):
            size = image.shape[:2]
        else:
            size = image_size(image)
            suffix = stored_suffix(image)
        if tuple(size) != (record.height, record.width):
            raise ValueError(
                f'{where}: the image has {size[0]} rows and {size[1]} columns, the record says '
                f'{record.height} and {record.width}.'
            )
        check_pixels(where, record.height, record.width)
        relative = self._file_name(record, suffix or '.png')
        target = self._partial / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(image, np.ndarray):
            write_png(target, image)
        elif suffix is None:
            write_png(target, read_image(image))
        else:
            shutil.copyfile(image, target)
        self._file_names.add(relative.lower())
        return relative

    def _file_name(self, record: Record, suffix: str) -> str:
        source = _UNSAFE.sub('_', record.source).strip('._') or 'source'
        stem = _UNSAFE.sub('_', record.image_id).strip('._')[:120]
        name = f'{IMAGES_DIR}/{record.modality}/{source}/{stem}{suffix}'
        if not stem or name.lower() in self._file_names:
            digest = hashlib.sha256(record.image_id.encode()).hexdigest()[:12]
            name = f'{IMAGES_DIR}/{record.modality}/{source}/{stem}-{digest}{suffix}'
        return name

    def _count(self, record: Record) -> None:
        counts = self._counts[record.split, record.modality]
        counts['records'] += 1
        counts['instances'] += len(record.instances)
        for instance in record.instances:
            if instance.label is not None:
                self._labels[record.modality][instance.label] += 1
        self._sources.setdefault(record.source, record.licence)

    def _flush(self) -> None:
        if not self._rows:
            return
        path = self._partial / SHARDS_DIR / f'{len(self._shards):05d}.arrow'
        batch = pa.Table.from_batches(self._rows).combine_chunks().to_batches()[0]
        with pa.OSFile(str(path), 'wb') as sink, pa.ipc.new_file(sink, SCHEMA) as file:
            file.write_batch(batch)
        self._shards.append(
            {'file': path.name, 'rows': len(self._rows), 'bytes': path.stat().st_size}
        )
        self._rows = []

    def _summary(self) -> dict[str, Any]:
        used = {label for counts in self._labels.values() for label in counts}
        order = [label for label in self.ontology.labels if label in used]
        modalities = [m for m in self.ontology.modalities if any(m == k[1] for k in self._counts)]
        counts: dict[str, dict[str, Any]] = {}
        for (split, modality), numbers in sorted(self._counts.items()):
            counts.setdefault(split, {})[modality] = dict(numbers)
        return {
            'format': STORE_FORMAT,
            'version': STORE_VERSION,
            'name': self.name,
            'num_records': sum(shard['rows'] for shard in self._shards),
            'modalities': modalities,
            'labels': {label: self.ontology.display_name(label) for label in order},
            'label_counts': {
                modality: {
                    label: self._labels[modality][label]
                    for label in order
                    if label in self._labels[modality]
                }
                for modality in modalities
            },
            'counts': counts,
            'sources': self._sources,
            'num_skipped': self.num_skipped,
            'shards': self._shards,
        }

    def _write_summary(self) -> None:
        text = json.dumps(self._summary(), indent=2, ensure_ascii=False)
        (self._partial / STORE_FILE).write_text(text + '\n', encoding='utf-8')

    def _move_into_place(self) -> None:
        old = self.root.with_name(f'.{self.root.name}.old-{os.getpid()}')
        if self.root.exists():
            self.root.rename(old)
        try:
            self._partial.rename(self.root)
        except OSError:
            if old.exists():
                old.rename(self.root)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _log_summary(self) -> None:
        records = sum(shard['rows'] for shard in self._shards)
        reasons = '; '.join(f'{count} x {why}' for why, count in self._skipped.most_common(10))
        skipped = f', {self.num_skipped} items skipped ({reasons})' if reasons else ''
        print_log(f'Store {self.root}: {records} records{skipped}.', logger='current')
