"""Ultrasound."""

from pathlib import Path

import nibabel
import numpy as np

from .case import Layout, Seen
from .files import image, mask, noise


def busi(root: Path) -> None:
    """Write an image of each kind; the malignant one has two masks."""
    here = root / 'Dataset_BUSI_with_GT'
    for kind, drawn in (
        ('benign', [[(4, 6, 20, 22)]]),
        ('malignant', [[(4, 6, 20, 22)], [(24, 8, 40, 24)]]),
        ('normal', [[]]),
    ):
        image(here / f'{kind}/{kind} (1).png')
        for number, boxes in enumerate(drawn):
            mask(here / f'{kind}/{kind} (1)_mask{f"_{number}" if number else ""}.png', boxes)


def tn3k(root: Path) -> None:
    """Write an image of each part under one number, masks as JPEG."""
    for part in ('trainval', 'test'):
        image(root / f'{part}-image/0000.jpg', (32, 48) if part == 'test' else (32, 40))
        size = (32, 48) if part == 'test' else (32, 40)
        mask(root / f'{part}-mask/0000.jpg', [(8, 8, 24, 24)], size)


def plane(path: Path, rows: np.ndarray) -> None:
    """Write one plane (rows, columns) as NIfTI, whose first axis runs along the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(rows.T.astype(np.uint8), np.diag([0.3, 0.2, 1, 1])), path)


def camus(root: Path) -> None:
    """Write two frames of a view, and the sequence they come from."""
    here = root / 'database_nifti/patient0001'
    for phase in ('ED', 'ES'):
        labels = np.zeros((32, 48), np.uint8)
        labels[4:26, 8:40] = 2
        labels[6:20, 12:36] = 1
        labels[26:30, 12:36] = 3
        plane(here / f'patient0001_4CH_{phase}.nii.gz', noise(phase, (32, 48)))
        plane(here / f'patient0001_4CH_{phase}_gt.nii.gz', labels)
    plane(here / 'patient0001_4CH_half_sequence.nii.gz', noise('half', (32, 48)))


def ddti(root: Path) -> None:
    """Write two views of a case, one without a drawn nodule."""
    for stem, boxes in (('1_1(1)', [(4, 6, 20, 22)]), ('1_2(1)', [])):
        image(root / f'cropped/{stem}.png', colour=False)
        mask(root / f'mask/{stem}.gif', boxes)


def hc18(root: Path) -> None:
    """Write two acquisitions of a fetus, the heads outlined."""
    for stem in ('000_', '000_2'):
        image(root / f'training_set/{stem}HC.png', colour=False)
        outline = np.zeros((32, 48), np.uint8)
        outline[6:22, 4:30] = 255
        outline[7:21, 5:29] = 0
        from PIL import Image

        Image.fromarray(outline).save(root / f'training_set/{stem}HC_Annotation.png')


HEART = [
    ('heart_ventricle_left', (12, 6, 36, 20)),
    ('heart_myocardium', (8, 4, 40, 26)),
    ('heart_atrium_left', (12, 26, 36, 30)),
]

LAYOUTS = {
    'busi': Layout(
        busi,
        [
            Seen('benign (1)', [('benign_breast_tumor', (4, 6, 20, 22))]),
            Seen(
                'malignant (1)',
                [
                    ('malignant_breast_tumor', (4, 6, 20, 22)),
                    ('malignant_breast_tumor', (24, 8, 40, 24)),
                ],
            ),
            Seen('normal (1)', []),
        ],
    ),
    'camus': Layout(
        camus,
        [Seen(f'patient0001_4CH_{phase}', HEART, 'patient0001') for phase in ('ED', 'ES')],
    ),
    'ddti_thyroid_nodule': Layout(
        ddti, [Seen('1_1(1)', [('thyroid_nodule', (4, 6, 20, 22))], '1')], [('mask is empty', 1)]
    ),
    'hc18_fetal_head': Layout(
        hc18, [Seen(stem, [('fetal_head', (4, 6, 30, 22))], '000') for stem in ('000_', '000_2')]
    ),
    'tn3k': Layout(
        tn3k,
        [
            Seen('trainval_0000', [('thyroid_nodule', (8, 8, 24, 24))], split='train'),
            Seen('test_0000', [('thyroid_nodule', (8, 8, 24, 24))], split='test'),
        ],
    ),
}
