"""Collections of several modalities."""

import json
from pathlib import Path

from .case import Layout, Seen
from .files import image, mask, text


def sa_med2d(root: Path) -> None:
    """Write images of three data sets, one of PET, with masks whose names hold class codes."""
    here = root / 'SAMed2Dv1'
    codes = {
        'ACDC': {'myocardium': '0001'},
        'AMOS2022': {'liver': '0006', 'unheard_of': '0009'},
        'autoPET': {'lesion': '0000'},
    }
    text(here / 'SAMed2D_v1_class_mapping_id.json', json.dumps(codes))
    for stem, code, box in (
        ('mr_00--ACDC--patient001_frame01--x_0006', '0001', (4, 6, 20, 22)),
        ('ct_00--AMOS2022--amos_0001--z_0040', '0006', (4, 6, 20, 22)),
        ('ct_00--AMOS2022--amos_0001--z_0040', '0009', (24, 8, 40, 24)),
        ('pet_00--autoPET--001--x_0001', '0000', (4, 6, 20, 22)),
    ):
        image(here / f'images/{stem}.png')
        mask(here / f'masks/{stem}--{code}_000.png', [box])


def biomedparse(root: Path) -> None:
    """Write an image of each of two data sets and both parts."""
    for folder, stem, targets in (
        ('amos22/amos22/train', 'amos_0001_40_CT_abdomen', ('liver', 'right+kidney')),
        ('REFUGE/REFUGE/test', 'T0001_fundus_retinal', ('optic+cup',)),
        ('GlaS/GlaS/test', 'testA_1_pathology_colon', ('gland',)),
    ):
        image(root / folder / f'{stem}.png')
        for number, target in enumerate(targets):
            box = (4, 6, 20, 22) if number == 0 else (24, 8, 40, 24)
            mask(root / f'{folder}_mask' / f'{stem}_{target}.png', [box])


LAYOUTS = {
    'biomedparse': Layout(
        biomedparse,
        [
            Seen(
                'amos22_amos_0001_40_CT_abdomen',
                [('liver', (4, 6, 20, 22)), ('kidney_right', (24, 8, 40, 24))],
                split='train',
                modality='ct',
            ),
            Seen(
                'REFUGE_T0001_fundus_retinal',
                [('optic_cup', (4, 6, 20, 22))],
                split='test',
                modality='fundus',
            ),
        ],
        [('modality is left out by the recipe', 1)],
    ),
    'sa_med2d_20m': Layout(
        sa_med2d,
        [
            Seen(
                'mr_00--ACDC--patient001_frame01--x_0006',
                [('heart_myocardium', (4, 6, 20, 22))],
                'ACDC--patient001_frame01',
                modality='mri',
            ),
            Seen(
                'ct_00--AMOS2022--amos_0001--z_0040',
                [('liver', (4, 6, 20, 22))],
                'AMOS2022--amos_0001',
                modality='ct',
            ),
        ],
        [('modality is left out by the recipe', 1), ('name is not mapped', 1)],
    ),
}
