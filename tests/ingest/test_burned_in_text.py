"""Text in the pixels is suspected."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.burned_in_text import text_suspected


def _scene(size: tuple[int, int] = (480, 640), seed: int = 0) -> np.ndarray:
    """A bright ellipse on dark noise."""
    rng = np.random.default_rng(seed)
    image = np.clip(rng.normal(12, 5, size), 0, 60).astype(np.uint8)
    centre, axes = (size[1] // 2, size[0] // 2), (size[1] // 3, size[0] // 3)
    return cv2.ellipse(image, centre, axes, 0, 0, 360, 120, -1)


def _write(image: np.ndarray, text: str, place: tuple[int, int], scale: float = 0.6) -> np.ndarray:
    return cv2.putText(image.copy(), text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 230, 1)


@pytest.mark.parametrize(
    'place',
    [
        pytest.param((6, 20), id='top-left'),
        pytest.param((380, 20), id='top-right'),
        pytest.param((6, 470), id='bottom-left'),
    ],
)
@pytest.mark.parametrize('depth', [np.uint8, np.uint16])
def test_text_near_the_border(place: tuple[int, int], depth: type) -> None:
    image = _write(_scene(), 'DOE^JOHN 1957-03-12', place).astype(depth) * (
        257 if depth != np.uint8 else 1
    )
    assert text_suspected(image)


def test_coloured_text() -> None:
    colour = np.stack([_write(_scene(), 'ID 00482913', (6, 20)), _scene(), _scene()], axis=2)
    assert text_suspected(colour)


@pytest.mark.parametrize(
    'image',
    [
        pytest.param(_scene(), id='no-text'),
        pytest.param(_write(_scene(), 'L', (6, 20)), id='side-marker'),
        pytest.param(_write(_scene(), 'DOE^JOHN', (260, 240)), id='in-the-middle'),
        pytest.param(np.zeros((480, 640), np.uint8), id='black'),
        pytest.param(np.full((480, 640), 255, np.uint8), id='white'),
        pytest.param(np.full((20, 20), 255, np.uint8), id='tiny'),
    ],
)
def test_nothing_to_suspect(image: np.ndarray) -> None:
    assert not text_suspected(image)


def test_most_synthetic_text_is_found() -> None:
    rng = np.random.default_rng(7)
    found = [
        text_suspected(
            _write(
                _scene(seed=number),
                'SMITH ANNA 45Y',
                (int(rng.integers(4, 300)), int(rng.choice([20, 470]))),
                float(rng.uniform(0.45, 0.9)),
            )
        )
        for number in range(40)
    ]
    assert np.mean(found) >= 0.8


def _rate(files: list[Path]) -> float:
    images = [np.asarray(Image.open(file).convert('L')) for file in files]
    return float(np.mean([text_suspected(image) for image in images]))


@pytest.mark.parametrize(
    ('folder', 'pattern'),
    [
        pytest.param('ultrasound/ddti_thyroid_nodule', '**/*.png', id='ultrasound'),
        pytest.param('xray/ufba425_panoramic_teeth', '**/*.jpg', id='xray'),
        pytest.param('ct/urolithnet_kidney_stones', '**/*.jpg', id='ct'),
        pytest.param('dermoscopy/roboflow_skin_cancer_v2', '**/*.jpg', id='dermoscopy'),
    ],
)
def test_real_images_without_text(real_data_root: Path, folder: str, pattern: str) -> None:
    files = sorted((real_data_root / folder).glob(pattern))[:60]
    assert files == [] or _rate(files) == 0


def test_real_images_with_text(real_data_root: Path) -> None:
    files = sorted((real_data_root / 'endoscopy/kvasir_seg/train/images').glob('*.jpg'))
    assert _rate(files) > 0.5
