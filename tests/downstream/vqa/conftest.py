"""Questions with images, and models that answer them."""

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream.vqa import VqaRecord


@pytest.fixture
def make_records(tmp_path):
    """Build questions about images of 40 x 30 pixels, two to an image; answers turn by turn."""

    def make(count=6, images=True):
        records = []
        for number in range(count):
            path = tmp_path / 'images' / f'image{number // 2}.png'
            if images:
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(np.full((30, 40), 40 * (number // 2), np.uint8)).save(path)
            is_closed = number % 2 == 0
            records.append(
                VqaRecord(
                    question_id=f'q{number}',
                    image_id=path.stem,
                    image_path=path if images else None,
                    question='is it normal?' if is_closed else f'what is organ number {number}?',
                    answer='yes' if is_closed else 'left kidney',
                    answer_type='closed' if is_closed else 'open',
                    patient_id=f'p{number // 2}',
                )
            )
        return records

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
