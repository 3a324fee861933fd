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
