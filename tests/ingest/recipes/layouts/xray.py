"""X-ray."""

import json
from pathlib import Path

from .case import Layout, Seen
from .files import dicom, image, mask, noise, text

LEFT, RIGHT = (26, 4, 44, 28), (4, 4, 22, 28)


def montgomery(root: Path) -> None:
    """Write an X-ray with a mask for each lung."""
    here = root / 'MontgomerySet'
    image(here / 'CXR_png/MCUCXR_0001_0.png', colour=False)
    mask(here / 'ManualMask/leftMask/MCUCXR_0001_0.png', [LEFT])
    mask(here / 'ManualMask/rightMask/MCUCXR_0001_0.png', [RIGHT])


def shenzhen(root: Path) -> None:
    """Write an X-ray with one mask of both lungs, and one without."""
    image(root / 'CXR_png/CHNCXR_0001_0.png')
    image(root / 'CXR_png/CHNCXR_0330_1.png')
    mask(root / 'mask/CHNCXR_0001_0_mask.png', [LEFT, RIGHT])


def jsrt(root: Path) -> None:
    """Write both parts, masks of levels 0, 85, 170 and 255."""
    here = root / 'segmentation02/segmentation'
    for part, stem in (('train', 'case001'), ('test', 'case050')):
        image(here / f'org_{part}/{stem}.bmp', colour=False)
        body = {170: (2, 2, 46, 30), 85: (20, 10, 32, 26), 255: (34, 4, 44, 28)}
        mask(here / f'label_{part}/{stem}.png', body)


def grazpedwri(root: Path) -> None:
    """Write three images of two patients in two archives."""
    labels = root / 'folder_structure/yolov5/labels'
    for part, stem, lines in (
        (1, '0001_1297860395_01_WRI-L1_M014', '3 0.25 0.5 0.25 0.25\n8 0.9375 0.125 0.125 0.25\n'),
        (1, '0001_1297860435_01_WRI-L2_M014', ''),
        (4, '6093_0000000001_01_WRI-R1_F010', '5 0.5 0.5 0.5 0.5\n'),
    ):
        image(root / f'images_part{part}/{stem}.png', colour=False, bits=16)
        text(labels / f'{stem}.txt', lines)


def dentex(root: Path) -> None:
    """Write an image with two diseases, categories of three kinds."""
    here = root / 'training_data/quadrant-enumeration-disease'
    image(here / 'xrays/train_79.png')
    kinds = {'category_id_1': 0, 'category_id_2': 7, 'iscrowd': 0, 'image_id': 1}
    content = {
        'images': [{'id': 1, 'file_name': 'train_79.png', 'height': 32, 'width': 48}],
        'annotations': [
            kinds | {'id': 1, 'bbox': [4, 6, 16, 16], 'category_id_3': 0, 'segmentation': []},
            kinds | {'id': 2, 'bbox': [24, 8, 12, 8], 'category_id_3': 3, 'segmentation': []},
        ],
        'categories_1': [{'id': 0, 'name': '1'}],
        'categories_2': [{'id': 7, 'name': '8'}],
        'categories_3': [
            {'id': 0, 'name': 'Impacted'},
            {'id': 1, 'name': 'Caries'},
            {'id': 2, 'name': 'Periapical Lesion'},
            {'id': 3, 'name': 'Deep Caries'},
        ],
    }
    text(here / 'train_quadrant_enumeration_disease.json', json.dumps(content))


def teeth(root: Path) -> None:
    """Write an image with a box and a polygon."""
    names = [str(10 * quadrant + n) for quadrant in (1, 2, 3, 4) for n in range(1, 9)]
    text(root / 'data.yaml', f'names: {json.dumps(names)}\n')
    image(root / 'test/images/cate1-0001_jpg.rf.1.jpg')
    lines = '0 0.25 0.5 0.25 0.25\n31 0.5 0.25 0.75 0.25 0.75 0.75 0.5 0.75\n'
    text(root / 'test/labels/cate1-0001_jpg.rf.1.txt', lines)


def vindr(root: Path) -> None:
    """Write three images: two readers who agree, one finding without label, no finding."""
    rows = (
        'image_id,rad_id,class_name,x_min,y_min,x_max,y_max',
        'a1,R8,Cardiomegaly,4,6,20,22',
        'a1,R9,Cardiomegaly,6,8,22,24',
        'a1,R10,Nodule/Mass,30,2,36,8',
        'b2,R1,Enlarged PA,4,6,20,22',
        'b2,R2,No finding,,,,',
        'c3,R1,No finding,,,,',
    )
    text(root / 'annotations/annotations_train.csv', '\n'.join(rows) + '\n')
    for stem in ('a1', 'b2', 'c3'):
        dicom(root / f'train/{stem}.dicom', noise(stem, (32, 48), 4000), patient='')


def vindr_test(root: Path) -> None:
    """Write two images with the consensus of their readers."""
    rows = (
        'image_id,class_name,x_min,y_min,x_max,y_max',
        'd4,Pleural effusion,4,6,20,22',
        'e5,No finding,,,,',
    )
    text(root / 'annotations/annotations_test.csv', '\n'.join(rows) + '\n')
    for stem in ('d4', 'e5'):
        dicom(root / f'test/{stem}.dicom', noise(stem, (32, 48), 4000), patient='')


def rsna(root: Path) -> None:
    """Write an image with two boxes and one without."""
    rows = (
        'patientId,x,y,width,height,Target',
        'p1,4.0,6.0,16.0,16.0,1',
        'p1,24.0,8.0,16.0,16.0,1',
        'p2,,,,,0',
    )
    text(root / 'stage_2_train_labels.csv', '\n'.join(rows) + '\n')
    for stem in ('p1', 'p2'):
        pixels = noise(stem, (32, 48))
        dicom(root / f'stage_2_train_images/{stem}.dcm', pixels, patient=stem, modality='CR')


def nih(root: Path) -> None:
    """Write two images of a patient with boxes, one of them with two, and one without."""
    rows = (
        'Image Index,Finding Label,Bbox [x,y,w,h],,,',
        '00013118_008.png,Atelectasis,4.5,6,16,16,,,',
        '00013118_008.png,Infiltrate,24,8,16,16,,,',
        '00013118_009.png,Effusion,1,2,10,10,,,',
    )
    text(root / 'BBox_List_2017.csv', '\n'.join(rows) + '\n')
    for part, stem in ((1, '00013118_008'), (2, '00013118_009'), (2, '00013119_000')):
        image(root / f'images_00{part}/images/{stem}.png', colour=False)


LAYOUTS = {
    'dentex': Layout(
        dentex,
        [
            Seen(
                'training_data/quadrant-enumeration-disease/xrays/train_79',
                [('impacted_tooth', (4, 6, 20, 22)), ('deep_dental_caries', (24, 8, 36, 16))],
            )
        ],
    ),
    'grazpedwri_dx': Layout(
        grazpedwri,
        [
            Seen(
                '0001_1297860395_01_WRI-L1_M014',
                [('fracture', (6, 12, 18, 20)), ('text_marker', (42, 0, 48, 8))],
                '0001',
            ),
            Seen('0001_1297860435_01_WRI-L2_M014', [], '0001'),
            Seen(
                '6093_0000000001_01_WRI-R1_F010', [('periosteal_reaction', (12, 8, 36, 24))], '6093'
            ),
        ],
    ),
    'jsrt': Layout(
        jsrt,
        [
            Seen(
                f'{part}_{stem}',
                [('heart', (20, 10, 32, 26)), ('lungs', (34, 4, 44, 28))],
                split=part,
            )
            for part, stem in (('train', 'case001'), ('test', 'case050'))
        ],
    ),
    'montgomery': Layout(
        montgomery, [Seen('MCUCXR_0001_0', [('lung_left', LEFT), ('lung_right', RIGHT)], '0001')]
    ),
    'nih_chestxray8': Layout(
        nih,
        [
            Seen(
                'images_001/images/00013118_008',
                [('atelectasis', (4.5, 6, 20.5, 22)), ('lung_infiltration', (24, 8, 40, 24))],
                '00013118',
            ),
            Seen(
                'images_002/images/00013118_009', [('pleural_effusion', (1, 2, 11, 12))], '00013118'
            ),
        ],
        [('image without row', 1)],
    ),
    'rsna_pneumonia': Layout(
        rsna,
        [
            Seen(
                'stage_2_train_images/p1',
                [('pneumonia', (4, 6, 20, 22)), ('pneumonia', (24, 8, 40, 24))],
                'p1',
            ),
            Seen('stage_2_train_images/p2', [], 'p2'),
        ],
    ),
    'shenzhen': Layout(
        shenzhen,
        [Seen('CHNCXR_0001_0', [('lungs', LEFT), ('lungs', RIGHT)], '0001')],
        [('mask file is missing', 1)],
    ),
    'ufba425_teeth': Layout(
        teeth,
        [
            Seen(
                'cate1-0001_jpg.rf.1',
                [('tooth_11', (6, 12, 18, 20)), ('tooth_48', (24, 8, 36, 24))],
                'cate1-0001_jpg',
            )
        ],
    ),
    # The boxes of R8 and R9 overlap by 14 x 14 of 316 pixels (IoU 0.62): their mean.
    'vindr_cxr': Layout(
        vindr,
        [
            Seen(
                'train/a1',
                [('cardiomegaly', (5, 7, 21, 23)), ('lung_nodule_or_mass', (30, 2, 36, 8))],
            ),
            Seen('train/b2', []),
            Seen('train/c3', []),
        ],
        [('dropped by the recipe', 1)],
    ),
    'vindr_cxr_test': Layout(
        vindr_test,
        [
            Seen('test/d4', [('pleural_effusion', (4, 6, 20, 22))], split='test'),
            Seen('test/e5', [], split='test'),
        ],
    ),
}
