"""Images that look alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.ingest.similarity import group_similar


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
