"""CT."""

from pathlib import Path

import numpy as np
from scipy import sparse

from mmdet_medglip.ingest import load_recipe
from tests.ingest import dicom_files

from .case import Layout, Seen
from .files import SHAPE, block, dicom, image, mask, noise, text, volume, volume_box
from .volumes import (
    FIRST,
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

AMOS = (
    'spleen',
    'kidney_right',
    'kidney_left',
    'gallbladder',
    'esophagus',
    'liver',
    'stomach',
    'aorta',
    'inferior_vena_cava',
    'pancreas',
    'adrenal_gland_right',
    'adrenal_gland_left',
    'duodenum',
    'urinary_bladder',
    'prostate_or_uterus',
)
BTCV = (*AMOS[:9], 'portal_vein_and_splenic_vein', *AMOS[9:12])
FLARE = (
    'liver',
    'kidney_right',
    'spleen',
    'pancreas',
    'aorta',
    'inferior_vena_cava',
    'adrenal_gland_right',
    'adrenal_gland_left',
    'gallbladder',
    'esophagus',
    'stomach',
    'duodenum',
    'kidney_left',
)


def boxed(labels: tuple[str, ...]) -> list:
    """Expect the labels at the blocks 1, 2 and so on."""
    return [(label, volume_box(number)) for number, label in enumerate(labels, start=1)]


def amos(numbers: tuple[str, str], patients: tuple[str, str]) -> Layout:
    """Make both parts of AMOS, with a CT and an MR volume in each; only ``numbers`` are taken."""
    everything = [
        ('Tr', 'amos_0001'),
        ('Va', 'amos_0008'),
        ('Tr', 'amos_0507'),
        ('Va', 'amos_0590'),
    ]
    make = several(
        *(
            pair(
                f'amos22/images{part}/{stem}.nii.gz',
                f'amos22/labels{part}/{stem}.nii.gz',
                range(1, 16),
            )
            for part, stem in everything
        )
    )
    seen = [
        *slices(f'Tr/{numbers[0]}', boxed(AMOS), patients[0], 'train'),
        *slices(f'Va/{numbers[1]}', boxed(AMOS), patients[1], 'val'),
    ]
    return Layout(make, seen)


def imis(root: Path) -> None:
    """Write a slice, stored upside down, with 13 masks in a sparse matrix."""
    image(root / 'image/ABD_001_17.png', (10, 8), colour=False)
    planes = np.zeros((13, 10, 8), bool)
    planes[4, 0:3, 1:5] = True
    (root / 'label').mkdir()
    path = root / 'label/x___ABD_001_17.(13, 10, 8).npz'
    sparse.save_npz(path, sparse.csr_matrix(planes.reshape(13, -1)))


def kidney_stones(root: Path) -> None:
    """Write two images of one time, and one of another."""
    text(root / 'data.yaml', 'names: [kidney-stones, Tas_Var]\n')
    stem = '1-3-46-670589-33-1-{}00000001-{}'
    for part, name, line in (
        ('train', stem.format('638000001', 'a'), '0 0.25 0.5 0.25 0.25'),
        ('valid', stem.format('638000001', 'b'), '1 0.5 0.5 0.5 0.5'),
        ('valid', stem.format('638000002', 'c'), ''),
    ):
        image(root / f'{part}/images/{name}.jpg')
        text(root / f'{part}/labels/{name}.txt', line)


def deep_lesion(root: Path) -> None:
    """Write three key slices and a row that is noisy."""
    columns = (
        'File_name,Patient_index,Bounding_boxes,Coarse_lesion_type,Possibly_noisy,'
        'Spacing_mm_px_,DICOM_windows,Train_Val_Test'
    )
    rows = (
        '000001_01_01_109.png,1,"4, 6, 20, 22",3,0,"0.8, 0.8, 5","-175, 275",3',
        '000001_01_01_109.png,1,"24, 8, 40.5, 24",5,0,"0.8, 0.8, 5","-175, 275",3',
        '000002_01_01_017.png,2,"1, 2, 11, 12",-1,0,"0.7, 0.7, 5","-175, 275",1',
        '000003_01_01_020.png,3,"1, 2, 11, 12",5,1,"0.7, 0.7, 5","-175, 275",2',
    )
    text(root / 'DL_info.csv', '\n'.join((columns, *rows)) + '\n')
    for scan, number in (('000001', '109'), ('000002', '017'), ('000003', '020')):
        image(root / f'Images_png/{scan}_01_01/{number}.png', colour=False, bits=16)


def chaos(root: Path) -> None:
    """Write a series with masks of its numbers, and one whose names tell no number."""
    here = root / 'Train_Sets/CT'
    for number in range(2):
        dicom(here / f'1/DICOM_anon/i000{number},0000b.dcm', noise(str(number), (32, 48)))
        mask(here / f'1/Ground/liver_GT_00{number}.png', [(4, 6, 20, 22)] if number else [])
    dicom(here / '2/DICOM_anon/IMG-0004-00001.dcm', noise('other', (32, 48)), modality='CT')
    mask(here / '2/Ground/liver_GT_000.png', [(4, 6, 20, 22)])


def recist(root: Path) -> None:
    """Write a crop whose slices are stored transposed: columns before rows."""
    labels = np.zeros((3, 8, 10), np.uint8)
    labels[:, 1:3, 2:6] = 1
    labels[1, 5:7, 2:4] = 2
    values = noise('crop', labels.shape).astype(np.uint8)
    np.savez_compressed(
        root / 'CT_Lesion_000001_02_01_008-010.npz', imgs=values, gts=labels, spacing=[0.8, 0.7, 5]
    )


def sam_demo(root: Path) -> None:
    """Write one slice with two files of structures."""
    image(root / 'images/amos_0004_75.png')
    mask(root / 'masks/amos_0004_75_liver_000.png', [(4, 6, 20, 22)])
    mask(root / 'masks/amos_0004_75_inferior_vena_cava_000.png', [(24, 8, 28, 12)])


def segmentation(root: Path) -> None:
    """Write three slices of 6 x 8 pixels and a DICOM SEG of them."""
    for index in range(3):
        pixels = noise(f'slice {index}', (6, 8), 400).astype(np.int16)
        dicom_files.save(root / f'ct-3slice/0{index + 1}.dcm', dicom_files.ct_slice(index, pixels))
    drawn = np.zeros((6, 8), np.uint8)
    drawn[2:5, 1:7] = 200
    frames = [(1, 1, drawn), (1, 2, drawn)]
    dicom_files.write_seg(root / 'liver.dcm', frames, {1: 'Liver'})


def example(image_name: str, labels_name: str, names: dict[str, int]) -> Layout:
    """Make TotalSegmentator's example: values 1 to 6 on slices 0 to 5, 7 to 12 again, and so on."""

    def make(root: Path) -> None:
        labels = np.zeros(SHAPE, np.uint8)
        for value in names.values():
            x, y, _ = block((value - 1) // 6 + 1)
            labels[x, y, (value - 1) % 6] = value
        volume(root / image_name)
        volume(root / labels_name, labels)

    of_slice: dict[int, list] = {}
    for name, value in names.items():
        box = volume_box((value - 1) // 6 + 1)
        of_slice.setdefault((value - 1) % 6, []).append((name, box))
    return Layout(
        make,
        [Seen(f'example/{n:04d}', found, 'example', 'train') for n, found in of_slice.items()],
    )


LAYOUTS = {
    'amos22_ct': amos(('amos_0001', 'amos_0008'), ('Tr/amos_0001', 'Va/amos_0008')),
    'btcv': Layout(
        pair(
            'RawData/Training/img/img0001.nii.gz',
            'RawData/Training/label/label0001.nii.gz',
            range(1, 14),
        ),
        slices('0001', boxed(BTCV)),
    ),
    # Rows 0 to 2 of the stored image are its last three once it is upright.
    'btcv_imis': Layout(imis, [Seen('ABD_001_17', [('esophagus', (1, 7, 5, 10))], '001')]),
    'chaos_ct': Layout(
        chaos,
        [Seen('1/000', [], '1'), Seen('1/001', [('liver', (4, 6, 20, 22))], '1')],
        [('annotation file without image', 1)],
    ),
    'dcmqi_ct_seg': Layout(
        segmentation,
        [
            Seen('2.25.100/0001', [('liver', (1, 2, 7, 5))], 'P1', 'train'),
            Seen('2.25.100/0002', [('liver', (1, 2, 7, 5))], 'P1', 'train'),
        ],
        [('slice without regions, outside the empty share', 1)],
    ),
    'deep_lesion': Layout(
        deep_lesion,
        [
            Seen(
                'Images_png/000001_01_01/109',
                [('mediastinal_lesion', (4, 6, 20, 22)), ('lung_lesion', (24, 8, 40.5, 24))],
                '1',
                'test',
            ),
            Seen('Images_png/000002_01_01/017', [('lesion', (1, 2, 11, 12))], '2', 'train'),
        ],
        [('row is left out by the recipe', 1), ('image without row', 1)],
    ),
    'flare22': Layout(
        pair(
            'FLARE22Train/images/FLARE22_Tr_0001_0000.nii.gz',
            'FLARE22Train/labels/FLARE22_Tr_0001.nii.gz',
            range(1, 14),
        ),
        slices('FLARE22_Tr_0001', boxed(FLARE)),
    ),
    'kits23': Layout(
        pair(
            'dataset/case_00000/imaging.nii.gz', 'dataset/case_00000/segmentation.nii.gz', (1, 2, 3)
        ),
        slices(
            'case_00000',
            [('kidneys', ONE_TO_THREE), ('kidney_tumor', SECOND), ('kidney_cyst', THIRD)],
        ),
    ),
    'lits': Layout(
        pair('Training Batch 1/volume-0.nii', 'Training Batch 1/segmentation-0.nii', {1: 1, 2: 2}),
        slices('Training Batch 1/0', [('liver', ONE_AND_TWO), ('liver_tumor', SECOND)]),
    ),
    'luna16': Layout(
        pair('subset0/1.3.6.1.mhd', 'seg-lungs-LUNA16/1.3.6.1.mhd', {3: 9, 4: 12, 5: 18}),
        slices(
            '1.3.6.1',
            [
                ('lungs', volume_box(9)),
                ('lungs', volume_box(12)),
                ('trachea', volume_box(18)),
            ],
            numbers=(0, 4),
        ),
        [('slice outside slice_step', 4)],
    ),
    'medsam2_recist': Layout(
        recist,
        [
            Seen(f'CT_Lesion_000001_02_01_008-010/{n:04d}', regions, '000001', 'train')
            for n, regions in enumerate(
                (
                    [('lesion', (1, 2, 3, 6))],
                    [('lesion', (1, 2, 3, 6)), ('lesion', (5, 2, 7, 4))],
                    [('lesion', (1, 2, 3, 6))],
                )
            )
        ],
    ),
    'msd_colon': task('colon_001', [('colon_tumor', FIRST)], (1,)),
    'msd_hepatic_vessel': task(
        'hepaticvessel_001', [('liver_vessels', FIRST), ('liver_tumor', SECOND)], (1, 2)
    ),
    'msd_liver': task('liver_0', [('liver', ONE_AND_TWO), ('liver_tumor', SECOND)], (1, 2)),
    'msd_lung': task('lung_001', [('lung_mass', FIRST)], (1,)),
    'msd_pancreas': task(
        'pancreas_001', [('pancreas', ONE_AND_TWO), ('pancreas_tumor', SECOND)], (1, 2)
    ),
    'msd_spleen': task('spleen_2', [('spleen', FIRST)], (1,)),
    'sam_med2d_demo': Layout(
        sam_demo,
        [
            Seen(
                'amos_0004_75',
                [('liver', (4, 6, 20, 22)), ('inferior_vena_cava', (24, 8, 28, 12))],
                'amos_0004_75',
                'train',
            )
        ],
    ),
    'totalsegmentator_ct': example(
        'example_ct_sm.nii.gz',
        'example_seg.nii.gz',
        load_recipe('totalsegmentator_ct').options['names'],
    ),
    'totalsegmentator_ct_dataset': Layout(
        masks('s0000/ct.nii.gz', 's0000/segmentations', {'liver': 1, 'rib_left_1': 2, 'heart': 3}),
        slices(
            's0000',
            [('liver', FIRST), ('rib_left_1', SECOND), ('heart', THIRD)],
            numbers=(0, 3),
        ),
        [('slice outside slice_step', 4)],
    ),
    'urolithnet_kidney_stones': Layout(
        kidney_stones,
        [
            Seen(
                'train/1-3-46-670589-33-1-63800000100000001-a',
                [('kidney_stone', (6, 12, 18, 20))],
                '638000001',
            ),
            Seen(
                'valid/1-3-46-670589-33-1-63800000100000001-b',
                [('kidney_stone', (12, 8, 36, 24))],
                '638000001',
            ),
            Seen('valid/1-3-46-670589-33-1-63800000200000001-c', [], '638000002'),
        ],
    ),
}
