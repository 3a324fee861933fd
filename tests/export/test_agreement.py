import numpy as np
import pytest

from mmdet_medglip.export import Detections
from mmdet_medglip.export.agreement import Agreement, compare_detections


def detections(*rows: tuple[list[float], float, int]) -> Detections:
    """Of boxes, scores and labels."""
    boxes = np.array([row[0] for row in rows]).reshape(-1, 4)
    labels = np.array([row[2] for row in rows], int)
    return Detections(boxes, np.array([row[1] for row in rows]), labels, ('x',) * len(rows))


A, B, FAR = [0, 0, 9, 9], [0, 0.25, 9, 9.5], [0, 0, 9, 30]


@pytest.mark.parametrize(
    ('found', 'expected', 'agreement'),
    [
        pytest.param([], [], Agreement(), id='both-empty'),
        pytest.param([(A, 0.5, 0)], [], Agreement(unpaired=1), id='one-empty'),
        pytest.param([], [(A, 0.5, 0)], Agreement(unpaired=1), id='other-empty'),
        pytest.param([(A, 0.5, 0)], [(B, 0.75, 0)], Agreement(1, 0, 0.25, 0.5), id='near'),
        pytest.param([(A, 0.5, 0)], [(A, 0.5, 1)], Agreement(unpaired=2), id='another-label'),
        pytest.param([(A, 0.5, 0)], [(FAR, 0.5, 0)], Agreement(unpaired=2), id='out-of-reach'),
        pytest.param(
            [(A, 0.5, 0), (FAR, 0.5, 0)],
            [(FAR, 0.5, 0), (A, 0.5, 0)],
            Agreement(pairs=2),
            id='another-order',
        ),
        pytest.param(
            [(A, 0.5, 0)],
            [(A, 0.5, 0), (A, 0.25, 0)],
            Agreement(pairs=1, unpaired=1),
            id='a-box-pairs-once',
        ),
    ],
)
def test_compare(found, expected, agreement):
    assert compare_detections(detections(*found), detections(*expected)) == agreement


def test_images_add_up():
    total = Agreement(3, 1, 0.25, 0.5) + Agreement(2, 0, 0.5, 0.125)
    assert total == Agreement(5, 1, 0.5, 0.5)
