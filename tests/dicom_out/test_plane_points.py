import numpy as np
import pytest

from mmdet_medglip.dicom_out.plane_points import box_of_points, rectangle_mm
from mmdet_medglip.ingest.dicom.geometry import Plane


def test_corners_by_hand():
    """Rows 3 mm apart, columns 2 mm; the first pixel has its centre at (10, 20, 5)."""
    plane = Plane((10, 20, 5), (1, 0, 0, 0, 1, 0), (3, 2))
    corners = rectangle_mm((0, 0, 4, 2), plane)
    assert corners.tolist() == [[9, 18.5, 5], [17, 18.5, 5], [17, 24.5, 5], [9, 24.5, 5]]


def test_a_sagittal_plane_by_hand():
    """Rows go down, columns to the back."""
    plane = Plane((1, 2, 3), (0, 1, 0, 0, 0, -1), (1, 1))
    assert rectangle_mm((0.5, 0.5, 1.5, 2.5), plane).tolist() == [
        [1, 2, 3],
        [1, 3, 3],
        [1, 3, 1],
        [1, 2, 1],
    ]


@pytest.mark.parametrize('seed', range(5))
def test_points_and_boxes_undo_each_other_in_any_direction(seed):
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    orientation = tuple(turned[:2].ravel())
    plane = Plane(tuple(rng.uniform(-300, 300, 3)), orientation, tuple(rng.uniform(0.3, 3, 2)))
    box = (1.25, 2.5, 100.0, 50.75)
    found, away = box_of_points(rectangle_mm(box, plane), plane)
    assert found == pytest.approx(box, abs=1e-9)
    assert away < 1e-9
    shifted = rectangle_mm(box, plane) + 2 * plane.axes[:, 2]
    assert box_of_points(shifted, plane)[1] == pytest.approx(2)
