"""Many processes read a store while another puts a new version in its place."""

import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.durable import exchange
from mmdet_medglip.structures import Instance, Record

VERSIONS, READERS, RECORDS = 25, 4, 6


def write(root: Path, version: int) -> None:
    """A store whose every record, column and image tells the version."""
    with StoreWriter(root, name=f'v{version}', shard_rows=2, overwrite=True) as writer:
        for number in range(RECORDS):
            record = Record(
                image_id=f'i{number}',
                height=8,
                width=8,
                modality='ct',
                source='set',
                patient_id=f'v{version}',
                instances=(Instance((1, 1, 2 + version % 6, 7), 'liver'),),
            )
            writer.add(record, np.full((8, 8), version, np.uint8))


def versions_seen(store: GroundingStore) -> set[int]:
    """Versions of all that a reader gets; one, unless stores are mixed."""
    seen = {int(store.name[1:])}
    for record in store:
        pixels = np.asarray(Image.open(store.image_path(record)))
        store.check_same()  # As the data set does behind each image.
        seen |= {int(record.patient_id[1:]), int(pixels[0, 0])}
    seen |= {int(name[1:]) for name in store.column('patient_id').to_pylist()}
    assert len(store) == RECORDS
    return seen


def read(root: Path, stop, answers) -> None:
    whole, replaced, faults = set(), 0, []
    while not stop.is_set():
        try:
            seen = versions_seen(GroundingStore(root))
        except (ValueError, OSError) as error:
            if isinstance(error, ValueError) and 'was replaced by another store' in str(error):
                replaced += 1
            elif isinstance(error, FileNotFoundError) and '.png' in str(error):
                replaced += 1  # The image went with its version.
            else:
                faults.append(repr(error))
            continue
        if len(seen) == 1:
            whole |= seen
        else:
            faults.append(f'mixed: {sorted(seen)}')
    answers.put((whole, replaced, faults))


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='folders change places on Linux')
def test_every_reader_sees_one_whole_version(tmp_path):
    root = tmp_path / 'store'
    write(root, 0)
    fork = multiprocessing.get_context('fork')
    stop, answers = fork.Event(), fork.Queue()
    readers = [fork.Process(target=read, args=(root, stop, answers)) for _ in range(READERS)]
    for one in readers:
        one.start()
    for version in range(1, VERSIONS):
        write(root, version)
    stop.set()
    told = [answers.get(timeout=60) for _ in readers]
    for one in readers:
        one.join()
    assert [faults for *_, faults in told] == [[]] * READERS
    assert len(set().union(*(whole for whole, *_ in told))) > 2
    assert versions_seen(GroundingStore(root)) == {VERSIONS - 1}
    assert [path.name for path in tmp_path.iterdir()] == ['store']


def test_an_open_store_does_not_read_from_its_successor(tmp_path):
    root = tmp_path / 'store'
    write(root, 1)
    store = GroundingStore(root)
    copied = pickle.dumps(store)
    assert store[0].patient_id == 'v1'
    write(root, 2)
    assert store[1].patient_id == 'v1'  # Of a shard that is open already.
    for look in (lambda: store[5], store.check_same, lambda: store.column('source')):
        with pytest.raises(ValueError, match='was replaced by another store'):
            look()
    with pytest.raises(ValueError, match='was replaced by another store'):
        pickle.loads(copied)
    assert versions_seen(GroundingStore(root)) == {2}


def test_a_data_set_does_not_take_images_of_another_store(tmp_path):
    from mmdet_medglip.datasets import MedGroundingDataset

    root = tmp_path / 'store'
    write(root, 1)
    data = MedGroundingDataset(str(root), pipeline=[dict(type='LoadMedImage')])
    assert data[0]['img'].max() == 1
    write(root, 2)
    with pytest.raises(ValueError, match='was replaced by another store'):
        data[0]


def test_folders_take_each_others_name(tmp_path):
    one, other = tmp_path / 'one', tmp_path / 'other'
    one.mkdir()
    (one / 'a').touch()
    other.mkdir()
    if not exchange(one, other):
        pytest.skip('this disk cannot exchange names')
    assert os.listdir(other) == ['a']
    assert os.listdir(one) == []
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / 'none')


def test_a_disk_that_cannot_exchange_still_replaces(tmp_path, monkeypatch):
    monkeypatch.setattr('mmdet_medglip.ingest.writer.exchange', lambda one, other: False)
    write(tmp_path / 'store', 1)
    write(tmp_path / 'store', 2)
    assert versions_seen(GroundingStore(tmp_path / 'store')) == {2}
    assert [path.name for path in tmp_path.iterdir()] == ['store']
