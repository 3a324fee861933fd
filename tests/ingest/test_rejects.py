"""What was not taken, and why."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mmdet_medglip.ingest.rejects import Reject, count_rejects, read_rejects, write_rejects

ROWS = [
    Reject('a', 'x/1.png', 'read', 'not readable', 'truncated'),
    Reject('a', 'vol', 'read', 'slice left out', count=12),
    Reject('b', 'ü.png', 'quality', 'image is blank'),
]


@pytest.mark.parametrize('rows', [ROWS, []], ids=['rows', 'none'])
def test_round_trip(tmp_path: Path, rows: list[Reject]) -> None:
    path = tmp_path / 'rejects.parquet'
    write_rejects(path, rows)
    assert list(read_rejects(path)) == rows
    assert pq.read_table(path).column_names == [
        'source',
        'file',
        'stage',
        'reason',
        'detail',
        'count',
    ]


def test_no_file_is_no_reject(tmp_path: Path) -> None:
    assert list(read_rejects(tmp_path / 'none.parquet')) == []


def test_counts_add_up_by_stage_and_reason() -> None:
    counts = count_rejects([*ROWS, ROWS[1]])
    assert counts['read', 'slice left out'] == 24
    assert counts['quality', 'image is blank'] == 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'stage': 'cook'}, "'stage' must be one of read, labels, .* got 'cook'"),
        ({'count': 0}, "'count' must be >= 1, got 0"),
    ],
    ids=['stage', 'count'],
)
def test_impossible_rows(change: dict, message: str) -> None:
    fields = {'source': 'a', 'file': 'f', 'stage': 'read', 'reason': 'r'}
    with pytest.raises(ValueError, match=message):
        Reject(**(fields | change))
