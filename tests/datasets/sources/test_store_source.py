"""What the index columns of a store say of its records."""

from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.datasets.sources.base import RecordSource
from mmdet_medglip.datasets.sources.store import StoreSource
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record


@pytest.fixture
def source(small_store: Path) -> StoreSource:
    return StoreSource(GroundingStore(small_store))


@pytest.mark.parametrize('name', ['modality', 'split', 'source'])
def test_columns_agree_with_the_records(source: StoreSource, name: str) -> None:
    codes, values = source.column(name)
    assert [values[code] for code in codes] == [getattr(record, name) for record in source.store]
    assert source.counts(name) == {
        value: int(np.sum(codes == code)) for code, value in enumerate(values)
    }


def test_instances_agree_with_the_records(source: StoreSource) -> None:
    table = source.instance_table()
    records = list(source.store)
    instances = [instance for record in records for instance in record.instances]
    assert [table.names[code] for code in table.codes] == [i.label for i in instances]
    assert table.has_mask.tolist() == [i.mask is not None for i in instances]
    assert np.diff(table.offsets).tolist() == [len(record.instances) for record in records]


def test_label_usage_needs_no_record(source: StoreSource) -> None:
    counted = RecordSource.label_usage.func(source)
    assert {k: set(v) for k, v in source.label_usage.items()} == {
        k: set(v) for k, v in counted.items()
    }


def test_store_of_phrases_and_of_several_shards(tmp_path: Path) -> None:
    words = (Instance((0, 0, 2, 2), phrase='a spot'), Instance((0, 0, 2, 2), 'liver'))
    with StoreWriter(tmp_path / 's', name='t', shard_rows=1) as writer:
        for name, instances in (('a', words), ('b', ()), ('c', words[::-1])):
            record = Record(name, 4, 4, 'ct', 'demo', 'p', instances=instances)
            writer.add(record, np.zeros((4, 4), np.uint8))
    table = StoreSource(GroundingStore(tmp_path / 's')).instance_table()
    assert table.names == ('liver',)
    assert table.codes.tolist() == [-1, 0, 0, -1]
    assert table.offsets.tolist() == [0, 2, 2, 4]


def test_empty_store(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / 's', name='t'):
        pass
    source = StoreSource(GroundingStore(tmp_path / 's'))
    assert source.column('split')[1] == ()
    assert source.instance_table().offsets.tolist() == [0]
    assert source.label_usage == {}
