import numpy as np
import pytest

from mmdet_medglip.export import Detections


def test_none_is_a_value():
    assert len(Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), ())) == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r'\[1, 2, 1, 1\] boxes, scores, labels and phrases'):
        Detections(np.zeros((1, 4)), np.zeros(2), np.zeros(1, int), ('liver',))
