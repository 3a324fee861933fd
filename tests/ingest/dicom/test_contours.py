"""Pixels inside closed curves."""

import numpy as np
import pytest

from mmdet_medglip.ingest.dicom.contours import fill_contours


def _square(low: float, high: float) -> np.ndarray:
    return np.array([[low, low], [low, high], [high, high], [high, low]])


def _drawn(rows: list[str]) -> list[list[bool]]:
    return [[char == '#' for char in row] for row in rows]


@pytest.mark.parametrize(
    ('contours', 'expected'),
    [
        pytest.param([], ['.....'] * 5, id='none'),
        pytest.param(
            [_square(0.5, 3.5)], ['.....', '.###.', '.###.', '.###.', '.....'], id='square'
        ),
        pytest.param(
            [_square(0.5, 3.5), _square(1.5, 2.5)],
            ['.....', '.###.', '.#.#.', '.###.', '.....'],
            id='hole',
        ),
        pytest.param(
            [_square(-9, 1.5), _square(3.5, 99)],
            ['##...', '##...', '.....', '.....', '....#'],
            id='outside',
        ),
        pytest.param(
            [np.array([[-0.5, -0.5], [-0.5, 4.4], [4.4, -0.5]])],
            ['####.', '###..', '##...', '#....', '.....'],
            id='triangle',
        ),
        pytest.param(
            # One curve that runs to an inner square and back through a slit.
            [np.vstack([_square(-0.5, 4.5), [[-0.5, -0.5]], _square(1.5, 2.5), [[1.5, 1.5]]])],
            ['#####', '#####', '##.##', '#####', '#####'],
            id='hole-by-a-slit',
        ),
        pytest.param([np.array([[2.0, 1.0], [2.0, 3.0]])], ['.....'] * 5, id='line'),
    ],
)
def test_fill(contours: list, expected: list[str]) -> None:
    assert fill_contours(contours, (5, 5)).tolist() == _drawn(expected)


def test_area_of_a_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([50.3 + 30 * np.sin(angle), 60.2 + 30 * np.cos(angle)], axis=1)
    assert fill_contours([circle], (100, 120)).sum() == pytest.approx(np.pi * 900, rel=0.005)
