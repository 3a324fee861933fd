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


class EchoModel:
    """Answers by what it was given, and remembers its batches."""

    name = 'echo'
    fingerprint = '1'

    def __init__(self, fail_at=None):
        self.batches = []
        self._fail_at = fail_at

    def answer(self, inputs):
        if len(self.batches) == self._fail_at:
            raise RuntimeError('out of memory')
        self.batches.append(list(inputs))
        return [f' {one.question_id}: {one.prompt} ' for one in inputs]


@pytest.fixture
def make_model():
    return EchoModel
