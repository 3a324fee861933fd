"""Packing: the keys of grounding, and a scale where nothing was resized."""

import numpy as np
import pytest

from mmdet_medglip.datasets.transforms import PackGroundingInputs


@pytest.mark.parametrize(
    ('resized', 'scale'),
    [
        pytest.param({}, (1.0, 1.0), id='not-resized'),
        pytest.param(dict(scale_factor=(0.5, 0.25)), (0.5, 0.25), id='resized'),
    ],
)
def test_packed_samples_say_how_they_are_prompted_and_scaled(resized: dict, scale: tuple) -> None:
    record = dict(img=np.zeros((4, 6, 3), np.float32), img_id='a', modality='ct', text=('liver',))
    meta = PackGroundingInputs()(record | resized)['data_samples'].metainfo
    assert meta['scale_factor'] == scale
    assert (meta['modality'], meta['text'], meta['img_id']) == ('ct', ('liver',), 'a')
    assert 'caption' not in meta


def test_a_thumbnail_travels_with_its_sample() -> None:
    thumbnail = np.zeros((64, 64, 3), np.uint8)
    thumbnail[3, 5] = (1, 2, 3)
    record = dict(img=np.zeros((4, 6, 3), np.float32), modality_thumbnail=thumbnail)
    packed = PackGroundingInputs()(record)['data_samples'].modality_thumbnail
    assert packed.shape == (3, 64, 64)
    assert packed[:, 3, 5].tolist() == [1, 2, 3]
