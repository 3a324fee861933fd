"""MR."""

import json
from pathlib import Path

from mmdet_medglip.ingest import load_recipe

from .case import Layout, Seen
from .ct import amos, example
from .files import dicom, image, mask, noise, text, volume
from .volumes import (
    FIRST,
    FOURTH,
    ONE_AND_TWO,
    ONE_TO_THREE,
    SECOND,
    THIRD,
    masks,
    pair,
    several,
    slices,
    task,
)

HEART = [
    ('heart_ventricle_right', FIRST),
    ('heart_myocardium', SECOND),
    ('heart_ventricle_left', THIRD),
]


def acdc(root: Path) -> None:
    """Write two frames and the series of a training patient, and a frame of a test patient."""
    for part, patient, frame in (
        ('training', 'patient001', '01'),
        ('training', 'patient001', '12'),
        ('testing', 'patient101', '01'),
    ):
        start = f'database/{part}/{patient}/{patient}_frame{frame}'
        pair(f'{start}.nii.gz', f'{start}_gt.nii.gz', (1, 2, 3))(root)
    volume(root / 'database/training/patient001/patient001_4d.nii.gz', channels=2)


def brain_tumors(root: Path) -> None:
    """Write the three parts of a COCO export: boxes with polygons, two categories of one name."""
    for number, part in enumerate(('train', 'valid', 'test')):
        name = f'y{number}_jpg.rf.{part}.jpg'
        image(root / part / name)
        polygon = [4, 6, 20, 6, 20, 22, 4, 22]
        annotations = [
            {
                'id': 1,
                'image_id': 5,
                'category_id': number % 2,
                'bbox': [4, 6, 16, 16],
                'segmentation': [polygon],
                'iscrowd': 0,
            }
        ]
        content = {
            'images': [
                {'id': 5, 'file_name': name, 'height': 32, 'width': 48},
                {'id': 6, 'file_name': 'unmarked.jpg', 'height': 32, 'width': 48},
            ],
            'annotations': annotations,
            'categories': [{'id': 0, 'name': 'Tumor'}, {'id': 1, 'name': 'Tumor'}],
        }
        text(root / part / '_annotations.subset.coco.json', json.dumps(content))


def chaos(series: str, masks_in: str) -> Layout:
    """Write two slices of a patient with masks of four organs."""

    def make(root: Path) -> None:
        here = root / 'Train_Sets/MR/1'
        levels = {63: (2, 2, 12, 12), 126: (14, 2, 24, 12), 189: (26, 2, 36, 12)}
        for number in (1, 2):
            stem = f'IMG-0002-0000{number}'
            dicom(here / f'{series}/{stem}.dcm', noise(stem, (32, 48), 900), modality='MR')
            drawn = levels | {252: (38, 14, 46, 30)} if number == 1 else {}
            mask(here / f'{masks_in}/Ground/{stem}.png', drawn)

    organs = [
        ('liver', (2, 2, 12, 12)),
        ('kidney_right', (14, 2, 24, 12)),
        ('kidney_left', (26, 2, 36, 12)),
        ('spleen', (38, 14, 46, 30)),
    ]
    seen = [Seen('1/IMG-0002-00001', organs, '1'), Seen('1/IMG-0002-00002', [], '1')]
    return Layout(make, seen)


def stroke(root: Path) -> None:
    """Write a volume of a site with its lesion."""
    start = (
        'ATLAS_2/Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_'
    )
    pair(f'{start}T1w.nii.gz', f'{start}label-L_desc-T1lesion_mask.nii.gz', (1,))(root)


LAYOUTS = {
    'acdc': Layout(
        acdc,
        [
            *slices('training/patient001/01', HEART, 'patient001', 'train'),
            *slices('training/patient001/12', HEART, 'patient001', 'train'),
            *slices('testing/patient101/01', HEART, 'patient101', 'test'),
        ],
    ),
    'amos22_mri': amos(('amos_0507', 'amos_0590'), ('Tr/amos_0507', 'Va/amos_0590')),
    'atlas_liver': Layout(
        several(
            *(
                pair(
                    f'atlas-train-dataset-1.0.1/train/imagesTr/im{n}.nii.gz',
                    f'atlas-train-dataset-1.0.1/train/labelsTr/lb{n}.nii.gz',
                    (1, 2),
                )
                for n in (0, 1)
            )
        ),
        [
            seen
            for n in '01'
            for seen in slices(n, [('liver', ONE_AND_TWO), ('liver_tumor', SECOND)])
        ],
    ),
    'atlas_stroke': Layout(
        stroke, slices('R001/sub-r001s001', [('ischemic_stroke', FIRST)], 'sub-r001s001')
    ),
    'br35h_brain_tumor': Layout(
        brain_tumors,
        [
            Seen(f'{part}/y{n}_jpg.rf.{part}', [('brain_tumor', (4, 6, 20, 22))])
            for n, part in enumerate(('train', 'valid', 'test'))
        ],
        [('image without annotation', 3)],
    ),
    # Value 1 lies at the first place, 2 at the second and 4 at the third.
    'brats2021': Layout(
        pair(
            'BraTS2021_00000/BraTS2021_00000_flair.nii.gz',
            'BraTS2021_00000/BraTS2021_00000_seg.nii.gz',
            {1: 1, 2: 2, 4: 3},
        ),
        slices(
            'BraTS2021_00000',
            [
                ('glioma', ONE_TO_THREE),
                ('brain_tumor_core', FIRST),
                ('brain_tumor_core', THIRD),
                ('enhancing_tumor', THIRD),
                ('tumor_necrosis', FIRST),
                ('peritumoral_edema', SECOND),
            ],
            numbers=(0, 2, 4),
        ),
        [('slice outside slice_step', 3)],
    ),
    'chaos_mr_t1': chaos('T1DUAL/DICOM_anon/InPhase', 'T1DUAL'),
    'chaos_mr_t2': chaos('T2SPIR/DICOM_anon', 'T2SPIR'),
    'msd_brain_tumour': task(
        'BRATS_001',
        [
            ('glioma', ONE_TO_THREE),
            ('brain_tumor_core', (2, 8, 6, 10)),
            ('enhancing_tumor', THIRD),
            ('peritumoral_edema', FIRST),
        ],
        (1, 2, 3),
        channels=4,
    ),
    'msd_heart': task('la_003', [('heart_atrium_left', FIRST)], (1,)),
    'msd_hippocampus': task(
        'hippocampus_001',
        [('hippocampus_anterior', FIRST), ('hippocampus_posterior', SECOND)],
        (1, 2),
    ),
    'msd_prostate': task(
        'prostate_00',
        [
            ('prostate', ONE_AND_TWO),
            ('prostate_peripheral_zone', FIRST),
            ('prostate_transition_zone', SECOND),
        ],
        (1, 2),
        channels=2,
    ),
    'totalsegmentator_mr': example(
        'example_mr_sm.nii.gz',
        'example_seg_mr.nii.gz',
        load_recipe('totalsegmentator_mr').options['names'],
    ),
    'totalsegmentator_mr_dataset': Layout(
        masks('s0001/mri.nii.gz', 's0001/segmentations', {'spleen': 1, 'brain': 4}),
        slices('s0001', [('spleen', FIRST), ('brain', FOURTH)], numbers=(0, 3)),
        [('slice outside slice_step', 4)],
    ),
}
