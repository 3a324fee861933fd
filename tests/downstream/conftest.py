"""Regions of images, written in a line."""

import pytest

from mmdet_medglip.downstream import ImageRegions


@pytest.fixture
def make_regions():
    """Build regions; each is (words, score, box)."""

    def make(image_id='a', *found, height=100, width=200, modality='ct'):
        return ImageRegions(
            image_id=image_id,
            height=height,
            width=width,
            modality=modality,
            labels=tuple(words for words, _, _ in found),
            boxes=[box for _, _, box in found],
            scores=[score for _, score, _ in found],
        )

    return make
