"""A data set of 100,000 records costs one index per record, not the records."""

import json
import shutil
from pathlib import Path

import numpy as np
import psutil

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Instance, Record

RECORDS, SHARD_ROWS = 100_000, 2_000
LINES = 30_000
BOX = (1.0, 1.0, 6.0, 6.0)


def _resident_mb() -> float:
    """Memory of this process, mapped pages of files included."""
    return psutil.Process().memory_info().rss / 2**20


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
    (source,) = info['sources']
    (shard,) = source['shards']
    source['shards'] = [{**shard, 'file': f'demo/{i:05d}.arrow'} for i in range(copies)]
    source['counts']['train']['ct'] = {'records': RECORDS, 'instances': 3 * RECORDS}
    for i in range(1, copies):
        shutil.copy(root / 'shards' / shard['file'], root / 'shards' / 'demo' / f'{i:05d}.arrow')
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
    before = _resident_mb()
    dataset = MedGroundingDataset(str(root))
    opened = _resident_mb()
    assert len(dataset) == RECORDS
    for i in range(0, RECORDS, 8):
        assert len(dataset.get_data_info(i)['instances']) == 3
    assert opened - before < 32
    assert _resident_mb() - opened < 16


def test_a_large_odvg_file_keeps_offsets_only(tmp_path: Path) -> None:
    path = _lines(tmp_path / 'large.jsonl')
    before = _resident_mb()
    dataset = MedGroundingDataset(str(tmp_path), path.name)
    assert len(dataset) == LINES
    for i in range(0, LINES, 8):
        dataset.get_data_info(i)
    assert _resident_mb() - before < 32
