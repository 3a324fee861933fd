"""Endoscopy, dermoscopy and fundus photographs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .case import Box, Layout, Seen
from .files import SIZE, image, mask, text

A: Box = (4, 6, 20, 22)
B: Box = (24, 8, 40, 24)


def drawn(files: Mapping[str, str], boxes: Sequence[Box] = (A,)) -> Callable[[Path], None]:
    """Write images, each with a mask of the same boxes; mask by image."""

    def make(root: Path) -> None:
        for name, mask_name in files.items():
            image(root / name)
            mask(root / mask_name, boxes)

    return make


def isic(image_name: str, mask_name: str, parts: Sequence[str]) -> Layout:
    """Write an image of each part of a challenge."""
    stems = {part: f'ISIC_000000{n}' for n, part in enumerate(parts)}
    files = {
        image_name.format(part, stem): mask_name.format(part, stem) for part, stem in stems.items()
    }
    seen = [Seen(stem, [('skin_lesion', A)], stem) for stem in stems.values()]
    return Layout(drawn(files), seen)


def skin_cancer(root: Path) -> None:
    """Write a source image with an altered copy, and another one."""
    text(root / 'data.yaml', 'names: [benign, malignant]\n')
    for part, stem, line in (
        ('train', 'ISIC_1_jpg.rf.a', '0 0.25 0.5 0.25 0.25'),
        ('train', 'ISIC_1_jpg.rf.b', '0 0.5 0.5 0.5 0.5'),
        ('valid', 'ISIC_2_jpg.rf.c', '1 0.5 0.5 0.5 0.5'),
    ):
        image(root / f'{part}/images/{stem}.jpg')
        text(root / f'{part}/labels/{stem}.txt', line)


def idrid(root: Path) -> None:
    """Write an image of each part: two kinds of lesions and the disc; the disc alone."""
    here = root / 'A. Segmentation'
    for part, stem, kinds in (
        ('a. Training Set', 'IDRiD_01', {'1. Microaneurysms': 'MA', '5. Optic Disc': 'OD'}),
        ('b. Testing Set', 'IDRiD_55', {'5. Optic Disc': 'OD'}),
    ):
        image(here / f'1. Original Images/{part}/{stem}.jpg')
        for folder, code in kinds.items():
            pixels = np.zeros(SIZE, np.uint8)
            for x1, y1, x2, y2 in [A] if code == 'OD' else [A, B]:
                pixels[y1:y2, x1:x2] = 1
            picture = Image.fromarray(pixels).convert('P')
            picture.putpalette([0, 0, 0, 255, 0, 0])
            path = here / f'2. All Segmentation Groundtruths/{part}/{folder}/{stem}_{code}.tif'
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)


def drive(root: Path) -> None:
    """Write a training image with its vessels, and a test image without."""
    image(root / 'training/images/21_training.tif')
    mask(root / 'training/1st_manual/21_manual1.gif', [A, B])
    mask(root / 'training/mask/21_training_mask.gif', [(0, 0, 48, 32)])
    image(root / 'test/images/01_test.tif')


def refuge(root: Path) -> None:
    """Write an image of each kind; the cup (0) lies in the disc (128) on white."""
    for kind, stem in (('Glaucoma', 'g0001'), ('Non-Glaucoma', 'n0001')):
        image(root / f'Training400/{kind}/{stem}.jpg')
        path = root / f'Annotation-Training400/Disc_Cup_Masks/{kind}/{stem}.bmp'
        mask(path, {128: (8, 4, 40, 28), 0: (16, 8, 32, 24)}, background=255)


def soft(path: Path, box: Box) -> None:
    """Write the votes of four experts: half of them take two pixels more on each side."""
    x1, y1, x2, y2 = (int(v) for v in box)
    pixels = np.zeros(SIZE, np.uint8)
    pixels[y1 - 2 : y2 + 2, x1 - 2 : x2 + 2] = 127
    pixels[y1:y2, x1:x2] = 191
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def drishti(images: str, truth: str, part: str, stem: str) -> Callable[[Path], None]:
    """Write an image with the soft maps of disc and cup."""

    def make(root: Path) -> None:
        image(root / images / f'{stem}.{"jpg" if "jpg" in images else "png"}')
        here = root / truth / stem / 'SoftMap'
        soft(here / f'{stem}_ODsegSoftmap.png', (8, 4, 40, 28))
        soft(here / f'{stem}_cupsegSoftmap.png', (16, 8, 32, 24))

    return make


def both(root: Path) -> None:
    """Write both parts of Drishti-GS1."""
    here = 'Drishti-GS1_files'
    drishti(f'{here}/Training/Images', f'{here}/Training/GT', '', 'drishtiGS_002')(root)
    drishti(f'{here}/Test/Images', f'{here}/Test/Test_GT', '', 'drishtiGS_001')(root)


NERVE = [('optic_disc', (8, 4, 40, 28)), ('optic_cup', (16, 8, 32, 24))]
POLYP = [('polyp', A)]

ENDOSCOPY = {
    'cvc_300': Layout(
        drawn({'CVC-300/images/149.png': 'CVC-300/masks/149.png'}),
        [Seen('149', POLYP, split='test')],
    ),
    'cvc_clinicdb': Layout(
        drawn(
            {
                f'CVC-ClinicDB/Original/{n}.tif': f'CVC-ClinicDB/Ground Truth/{n}.tif'
                for n in (1, 2)
            },
            (A, B),
        ),
        [Seen(str(n), [('polyp', A), ('polyp', B)]) for n in (1, 2)],
    ),
    'endoscene': Layout(
        drawn(
            {
                'CVC-EndoSceneStill/CVC-300/bbdd/1.bmp': 'CVC-EndoSceneStill/CVC-300/gtpolyp/1.bmp',
                'CVC-EndoSceneStill/CVC-612/bbdd/9.bmp': 'CVC-EndoSceneStill/CVC-612/gtpolyp/9.tif',
            }
        ),
        [Seen('CVC-300_1', POLYP), Seen('CVC-612_9', POLYP)],
    ),
    'etis_larib': Layout(
        drawn(
            {'ETIS-LaribPolypDB/ETIS-LaribPolypDB/1.tif': ('ETIS-LaribPolypDB/Ground Truth/p1.tif')}
        ),
        [Seen('1', POLYP, split='test')],
    ),
    'kvasir_instrument': Layout(
        drawn({'kvasir-instrument/images/ckcu9.jpg': 'kvasir-instrument/masks/ckcu9.png'}, (A, B)),
        [Seen('ckcu9', [('instrument', A), ('instrument', B)])],
    ),
    # A JPEG mask: blocks of 8 x 8 pixels keep their edges.
    'kvasir_seg': Layout(
        drawn({'Kvasir-SEG/images/cju0.jpg': 'Kvasir-SEG/masks/cju0.jpg'}, [(8, 8, 24, 24)]),
        [Seen('cju0', [('polyp', (8, 8, 24, 24))])],
    ),
}

DERMOSCOPY = {
    'isic2016': isic(
        'ISBI2016_ISIC_Part1_{}_Data/{}.jpg',
        'ISBI2016_ISIC_Part1_{}_GroundTruth/{}_Segmentation.png',
        ('Training', 'Test'),
    ),
    'isic2017': isic(
        'ISIC-2017_{}_Data/{}.jpg',
        'ISIC-2017_{}_Part1_GroundTruth/{}_segmentation.png',
        ('Training', 'Validation', 'Test_v2'),
    ),
    'isic2018': isic(
        'ISIC2018_Task1-2_{}_Input/{}.jpg',
        'ISIC2018_Task1_{}_GroundTruth/{}_segmentation.png',
        ('Training', 'Validation', 'Test'),
    ),
    'ph2': Layout(
        drawn(
            {
                'PH2Dataset/PH2 Dataset images/IMD002/IMD002_Dermoscopic_Image/IMD002.bmp': (
                    'PH2Dataset/PH2 Dataset images/IMD002/IMD002_lesion/IMD002_lesion.bmp'
                )
            }
        ),
        [Seen('IMD002', [('skin_lesion', A)])],
    ),
    'skin_cancer_v2': Layout(
        skin_cancer,
        [
            Seen('train/ISIC_1_jpg.rf.a', [('benign_skin_lesion', (6, 12, 18, 20))], 'ISIC_1_jpg'),
            Seen('train/ISIC_1_jpg.rf.b', [('benign_skin_lesion', (12, 8, 36, 24))], 'ISIC_1_jpg'),
            Seen(
                'valid/ISIC_2_jpg.rf.c', [('malignant_skin_lesion', (12, 8, 36, 24))], 'ISIC_2_jpg'
            ),
        ],
    ),
}

FUNDUS = {
    'drishti_gs': Layout(
        drishti('images_jpg90/Training', 'Training/GT', '', 'drishtiGS_002'),
        [Seen('drishtiGS_002', NERVE)],
    ),
    'drishti_gs1': Layout(
        both,
        [Seen('drishtiGS_002', NERVE, split='train'), Seen('drishtiGS_001', NERVE, split='test')],
    ),
    'drive': Layout(
        drive,
        [Seen('21', [('retinal_vessel', (4, 6, 40, 24))], split='train')],
        [('mask file is missing', 1)],
    ),
    'idrid': Layout(
        idrid,
        [
            Seen(
                'IDRiD_01',
                [('microaneurysm', A), ('microaneurysm', B), ('optic_disc', A)],
                split='train',
            ),
            Seen('IDRiD_55', [('optic_disc', A)], split='test'),
        ],
    ),
    'refuge': Layout(refuge, [Seen('g0001', NERVE), Seen('n0001', NERVE)]),
}

LAYOUTS = ENDOSCOPY | DERMOSCOPY | FUNDUS
