"""Images that look alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.ingest.similarity import group_similar, near_pairs


@pytest.fixture
def pictures(tmp_path: Path, save: Callable) -> list[Path]:
    """Two unrelated pictures and four relatives of the first."""
    rng = np.random.default_rng(1)
    one, other = (np.kron(rng.integers(20, 200, (8, 8)), np.ones((10, 10))) for _ in range(2))
    noisy = one + rng.normal(0, 2, one.shape)
    relatives = [one, other, one[::-1], one[::-1, ::-1], one * 0.5 + 60, noisy]
    return [
        save(tmp_path / f'{number}.png', np.ascontiguousarray(picture).astype(np.uint8))
        for number, picture in enumerate(relatives)
    ]


def test_flips_turns_and_contrast_are_copies(pictures: list[Path]) -> None:
    assert group_similar(pictures, 0.2) == [0, 1, 0, 0, 0, 0]


def test_nothing_to_group() -> None:
    assert group_similar([], 0.1) == []


def test_chain_joins_groups_found_before(pictures: list[Path]) -> None:
    assert group_similar(pictures, 1.0) == [0] * 6


def test_share_out_of_range(pictures: list[Path]) -> None:
    with pytest.raises(ValueError, match=r"'max_difference' must be in \[0, 1\], got 2"):
        group_similar(pictures, 2)


def all_near_pairs(hashes: np.ndarray, max_bits: int) -> list[list[int]]:
    """Compare all with all."""
    bits = np.unpackbits(hashes[:, None] ^ hashes[None], axis=2).sum(axis=2)
    return [[i, j] for i, j in np.argwhere(bits <= max_bits).tolist() if i < j]


@pytest.mark.parametrize('first_new', [0, 150, 300], ids=['all', 'some_known', 'all_known'])
def test_near_pairs_are_those_of_the_full_comparison(first_new: int) -> None:
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 256, (300, 32), dtype=np.uint8)
    for row in range(1, 300, 3):
        hashes[row] = hashes[row - 1]
        for bit in rng.choice(256, rng.integers(0, 11), replace=False):
            hashes[row, bit // 8] ^= 1 << (bit % 8)
    expected = [pair for pair in all_near_pairs(hashes, 7) if pair[1] >= first_new]
    assert near_pairs(hashes, first_new).tolist() == expected
    assert (len(expected) > 10) == (first_new < 300)


def test_near_pairs_of_nothing() -> None:
    assert near_pairs(np.zeros((0, 32), np.uint8)).shape == (0, 2)


def test_near_pairs_limit() -> None:
    with pytest.raises(ValueError, match=r"'max_bits' must be in \[0, 7\], got 8"):
        near_pairs(np.zeros((2, 32), np.uint8), max_bits=8)
