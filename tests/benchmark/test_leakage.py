import numpy as np
import pytest

from mmdet_medglip.benchmark.leakage import ImagePair, find_leakage
from mmdet_medglip.ingest.copies import ImageTable
from mmdet_medglip.ingest.quality import fingerprint
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

BLANK = np.zeros((32, 32), np.uint8)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (32, 32), dtype=np.uint8)


def table(*rows) -> ImageTable:
    """Table of ``(image id, patient, split, pixels)``; pixels None are not known."""
    ids, patients, splits, pixels = zip(*rows, strict=True)
    prints = [bytes(64) if p is None else fingerprint(p, p, ()) for p in pixels]
    return ImageTable.of(ids, patients, splits, b''.join(prints))


def test_clean_splits_show_nothing():
    found = find_leakage(
        'a',
        {
            'a': table(
                ('1', 'p', 'train', noise(1)),
                ('2', 'p', 'train', noise(1)),
                ('3', 'q', 'val', noise(3)),
                ('4', 'r', 'test', noise(4)),
                ('5', 'r', 'test', noise(4)),
            )
        },
    )
    assert not found.found
    assert (found.patients, found.copies, found.near_copies) == ((), (), ())
    assert (found.test_images, found.other_images, found.test_patients) == (2, 3, 1)
    assert found.unknown == 0


@pytest.mark.parametrize('split', ['train', 'val'])
def test_a_patient_on_both_sides(split):
    rows = [('1', 'p', split, noise(1)), ('2', 'p', 'test', noise(2)), ('3', 'q', 'test', noise(3))]
    found = find_leakage('a', {'a': table(*rows)})
    assert found.found
    assert found.patients == ('p',)


def test_a_copy_on_both_sides_also_of_another_store():
    test = table(('1', 'p', 'test', noise(1)), ('2', 'q', 'test', noise(2)))
    other = table(
        ('x', 'p', 'train', noise(1)), ('y', 's', 'val', noise(2)), ('z', 't', 'test', noise(1))
    )
    found = find_leakage('a', {'a': test, 'b': other})
    assert found.found
    assert found.patients == (), 'two stores may both call somebody p'
    assert found.copies == (ImagePair('1', 'x', 'b/train'), ImagePair('2', 'y', 'b/val'))


def test_near_copies_are_suspicions_of_other_patients():
    near = noise(1)
    near[0, 0] = 255 - near[0, 0]
    rows = [('1', 'p', 'train', noise(1)), ('2', 'q', 'test', near), ('3', 'q', 'test', noise(9))]
    found = find_leakage('a', {'a': table(*rows)})
    assert not found.found
    assert found.near_copies == (ImagePair('2', '1', 'a/train'),)
    same_patient = [(*row[:1], 'q', *row[2:]) for row in rows]
    assert find_leakage('a', {'a': table(*same_patient)}).near_copies == ()


def test_nearly_empty_images_are_copies_only_if_equal():
    dot = BLANK.copy()
    dot[5, 5] = 255
    rows = [('1', 'p', 'train', BLANK), ('2', 'q', 'test', dot), ('3', 'r', 'test', BLANK)]
    found = find_leakage('a', {'a': table(*rows)})
    assert found.near_copies == ()
    assert [pair.test for pair in found.copies] == ['3']


def test_images_without_a_fingerprint_are_counted_not_compared():
    rows = [('1', 'p', 'train', None), ('2', 'q', 'test', None), ('3', 'r', 'test', noise(1))]
    found = find_leakage('a', {'a': table(*rows)})
    assert found.unknown == 2
    assert not found.copies


def test_no_test_images():
    assert not find_leakage('a', {'a': table(('1', 'p', 'train', noise(1)))}).found


def test_a_store_without_fingerprints(tmp_path):
    with StoreWriter(tmp_path / 'store', name='s') as writer:
        for number, split in enumerate(('train', 'test')):
            record = Record(str(number), 32, 32, 'ct', 'demo', 'p', split=split)
            writer.add(record, noise(number))
    images = ImageTable.of_store(GroundingStore(tmp_path / 'store'))
    found = find_leakage('s', {'s': images})
    assert (found.patients, found.unknown, found.test_images) == (('p',), 2, 1)
