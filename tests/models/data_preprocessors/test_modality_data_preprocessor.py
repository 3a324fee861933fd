"""The data preprocessor: modalities are announced, and images laid out as the device likes."""

import pytest
import torch

from mmdet_medglip.models.data_preprocessors import ModalityDataPreprocessor, current_modalities


def batch(sample) -> dict:
    generator = torch.manual_seed(0)
    size = (3, 32, 64)
    images = [torch.randint(256, size, dtype=torch.uint8, generator=generator) for _ in range(2)]
    samples = [sample('liver', modality, shape=size[1:]) for modality in ('ct', None)]
    return dict(inputs=images, data_samples=samples)


def test_modalities_of_the_batch_are_announced(sample) -> None:
    ModalityDataPreprocessor()(batch(sample))
    assert current_modalities() == ('ct', None)


@pytest.mark.parametrize(
    ('channels_last', 'training', 'expected'),
    [
        pytest.param(True, False, torch.channels_last, id='evaluation'),
        pytest.param(True, True, torch.contiguous_format, id='training-stays'),
        pytest.param(False, False, torch.contiguous_format, id='not-asked-for'),
    ],
)
def test_layout_of_images(sample, channels_last, training, expected) -> None:
    preprocessor = ModalityDataPreprocessor(channels_last, mean=[1.0, 2.0, 3.0], std=[2.0] * 3)
    data = batch(sample)
    images = preprocessor(data, training)['inputs']
    assert images.is_contiguous(memory_format=expected)
    mean = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    torch.testing.assert_close(images, torch.stack([(x - mean) / 2 for x in data['inputs']]))
