"""A data set of 100,000 records costs one index per record, not the records."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Instance, Record

RECORDS, SHARD_ROWS = 100_000, 2_000
LINES = 30_000
BOX = (1.0, 1.0, 6.0, 6.0)


def _anonymous_mb() -> float:
    """Private memory of this process; mapped file pages, which the system can drop, left out."""
    status = Path('/proc/self/status')
    if not status.is_file():
        pytest.skip('needs /proc/self/status to measure memory')
    line = next(line for line in status.read_text().splitlines() if line.startswith('RssAnon'))
    return int(line.split()[1]) / 1024


def _large_store(root: Path) -> Path:
    """Write one shard with the writer and list copies of it."""
    with StoreWriter(root, name='large', shard_rows=SHARD_ROWS) as writer:
        for i in range(SHARD_ROWS):
            labels = ('liver', 'spleen', 'aorta')
            instances = tuple(Instance(BOX, label) for label in labels)
            record = Record(f'image-{i}', 8, 8, 'ct', 'demo', f'p{i}', instances=instances)
            writer.add(record, np.zeros((8, 8), np.uint8))
    info = json.loads((root / 'store.json').read_text())
    copies = RECORDS // SHARD_ROWS
    shard = info['shards'][0]
    info['shards'] = [{**shard, 'file': f'{i:05d}.arrow'} for i in range(copies)]
    info['num_records'] = RECORDS
    for i in range(1, copies):
        shutil.copy(root / 'shards' / '00000.arrow', root / 'shards' / f'{i:05d}.arrow')
    (root / 'store.json').write_text(json.dumps(info))
    return root


def _lines(path: Path) -> Path:
    instances = [{'bbox': list(BOX), 'category': name} for name in ('liver', 'spleen', 'aorta')]
    line = {'height': 8, 'width': 8, 'modality': 'ct', 'detection': {'instances': instances}}
    with path.open('w') as file:
        for i in range(LINES):
            file.write(json.dumps({'filename': f'image-{i}.png', **line}) + '\n')
    return path


def test_opening_and_walking_a_large_store_keeps_memory_flat(tmp_path: Path) -> None:
    root = _large_store(tmp_path / 'store')
    MedGroundingDataset(str(root)).get_data_info(0)
    before, start = _anonymous_mb(), time.perf_counter()
    dataset = MedGroundingDataset(str(root))
    seconds = time.perf_counter() - start
    opened = _anonymous_mb()
    assert len(dataset) == RECORDS
    for i in range(0, RECORDS, 8):
        assert len(dataset.get_data_info(i)['instances']) == 3
    assert opened - before < 32
    assert _anonymous_mb() - opened < 16
    assert seconds < 5


def test_a_large_odvg_file_keeps_offsets_only(tmp_path: Path) -> None:
    path = _lines(tmp_path / 'large.jsonl')
    before = _anonymous_mb()
    dataset = MedGroundingDataset(str(tmp_path), path.name)
    assert len(dataset) == LINES
    for i in range(0, LINES, 8):
        dataset.get_data_info(i)
    assert _anonymous_mb() - before < 32
