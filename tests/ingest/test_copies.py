"""Checks across images."""

import numpy as np
import pytest

from mmdet_medglip.ingest.copies import ImageTable, judge

RNG = np.random.default_rng(0)
HASH = RNG.bytes(32)
OTHER = RNG.bytes(32)


def near(value: bytes, bits: int) -> bytes:
    """Turn one bit in each of the first bytes, so that bands differ."""
    changed = bytearray(value)
    for place in range(bits):
        changed[4 * (place % 8)] ^= 1 << (place // 8)
    return bytes(changed)


def row(image_id: str, split='train', patient=None, look=HASH, pixels=b'p', annotation=b'a'):
    return image_id, patient or image_id, split, look + pixels.ljust(16) + annotation.ljust(16)


def table(rows) -> ImageTable:
    ids, patients, splits, prints = zip(*rows, strict=True) if rows else ((), (), (), ())
    return ImageTable.of(ids, patients, splits, b''.join(prints))


def verdicts(known, new, leakage='flag') -> list[tuple[str | None, set[str]]]:
    found = judge(table(known), table(new), leakage)
    return [(v.left.reason if v.left else None, v.flags) for v in found]


TAKEN = (None, set())


@pytest.mark.parametrize(
    ('known', 'new', 'expected'),
    [
        ([], [], []),
        ([], [row('a'), row('b', look=OTHER, pixels=b'q')], [TAKEN, TAKEN]),
        (
            [],
            [row('a'), row('b')],
            [TAKEN, ('image and annotation are there already', set())],
        ),
        ([], [row('a'), row('b', annotation=b'b')], [TAKEN, (None, {'duplicate_image'})]),
        (
            [],
            [row('a'), row('b', split='val', annotation=b'b')],
            [TAKEN, ('image is in another split', set())],
        ),
        ([row('a')], [row('b')], [('image and annotation are there already', set())]),
        (
            [],
            [row('a'), row('A', look=OTHER), row('a', pixels=b'q')],
            [('image id is taken', set()), TAKEN, ('image id is taken', set())],
        ),
        (
            [row('a', patient='p')],
            [row('b', patient='p', split='val', look=OTHER, pixels=b'q')],
            [('patient is in another split of the store', set())],
        ),
        (
            [],
            [row('a'), row('b', look=near(HASH, 7), pixels=b'q')],
            [TAKEN, (None, {'near_duplicate'})],
        ),
        ([], [row('a'), row('b', look=near(HASH, 8), pixels=b'q')], [TAKEN, TAKEN]),
        (
            [row('a', split='test')],
            [row('b', look=near(HASH, 2), pixels=b'q')],
            [(None, {'near_duplicate_across_splits'})],
        ),
        (
            [row('a', patient='p')],
            [row('b', patient='p', look=near(HASH, 2), pixels=b'q')],
            [TAKEN],
        ),
        (
            [row('a', look=bytes(32))],
            [row('b', look=bytes(32), pixels=b'q', split='val')],
            [TAKEN],
        ),
    ],
    ids=[
        'nothing',
        'different',
        'copy',
        'copy_other_annotation',
        'copy_other_split',
        'copy_in_store',
        'same_id',
        'patient_moves',
        'near',
        'not_near',
        'near_other_split',
        'near_same_patient',
        'empty_looks',
    ],
)
def test_verdict(known: list, new: list, expected: list) -> None:
    assert verdicts(known, new) == expected


def test_leakage_can_be_rejected() -> None:
    new = [row('b', look=near(HASH, 2), pixels=b'q')]
    assert verdicts([row('a', split='test')], new, 'reject') == [
        ('near copy is in another split', set())
    ]


def test_rejected_image_does_not_reject_others() -> None:
    new = [
        row('a', patient='p', split='val'),
        row('b', split='val', look=HASH),
    ]
    known = [row('k', patient='p', look=OTHER, pixels=b'q')]
    assert verdicts(known, new)[1] == TAKEN


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match="'leakage' must be one of flag, reject, got 'drop'"):
        judge(table([]), table([]), 'drop')
