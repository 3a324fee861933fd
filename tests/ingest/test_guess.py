"""Recipes guessed from a look at a folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from mmdet_medglip.ingest import run_ingest
from mmdet_medglip.ingest.guess import guess_recipe
from mmdet_medglip.ingest.guess.naming import guess_modality, guess_patient, label_in_words
from mmdet_medglip.ingest.guess.pairing import Pair, pair_files
from mmdet_medglip.ingest.guess.patterns import patterns_of
from mmdet_medglip.ingest.guess.recipe_text import recipe_text
from mmdet_medglip.ingest.recipe import parse_recipe
from mmdet_medglip.ontology import Ontology
from tests.ingest.recipes.layouts.files import cells, image, mask, text, volume


def voc(root: Path) -> None:
    image(root / 'JPEGImages/a.jpg')
    box = '<bndbox><xmin>5</xmin><ymin>7</ymin><xmax>20</xmax><ymax>22</ymax></bndbox>'
    objects = f'<object><name>polyp</name>{box}</object>'
    text(root / 'Annotations/a.xml', f'<annotation>{objects}</annotation>')


def odvg(root: Path) -> None:
    image(root / 'images/a.png')
    instance = {'bbox': [4, 6, 20, 22], 'label': 0, 'category': 'polyp'}
    line = {
        'filename': 'a.png',
        'height': 32,
        'width': 48,
        'detection': {'instances': [instance]},
    }
    text(root / 'train.jsonl', json.dumps(line) + '\n')


def labelme(root: Path) -> None:
    image(root / 'a.png')
    shape = {'label': 'polyp', 'points': [[4, 6], [20, 22]], 'shape_type': 'rectangle'}
    content = {'shapes': [shape], 'imagePath': 'a.png', 'imageHeight': 32, 'imageWidth': 48}
    text(root / 'a.json', json.dumps(content))


def via(root: Path) -> None:
    image(root / 'images/a.png')
    shape = {'name': 'rect', 'x': 4, 'y': 6, 'width': 16, 'height': 16}
    region = {'shape_attributes': shape, 'region_attributes': {'kind': 'polyp'}}
    text(root / 'via.json', json.dumps({'a.png1': {'filename': 'a.png', 'regions': [region]}}))


def table(root: Path) -> None:
    image(root / 'images/a.png')
    text(root / 'boxes.csv', 'filename,class,xmin,ymin,xmax,ymax\na.png,polyp,4,6,20,22\n')


def tables(root: Path) -> None:
    for stem in 'ab':
        image(root / f'images/{stem}.png')
        text(root / f'boxes/{stem}.csv', 'class_name,xmin,ymin,xmax,ymax\npolyp,4,6,20,22\n')


def pairs_by_suffix(root: Path) -> None:
    for stem in 'ab':
        image(root / f'{stem}.png')
        mask(root / f'{stem}_mask.png', [(4, 6, 20, 22)])


def folders_of_pixels(root: Path) -> None:
    for stem in 'ab':
        image(root / f'original/{stem}.png')
        mask(root / f'drawn/{stem}.png', [(4, 6, 20, 22)])


@pytest.mark.parametrize(
    ('make', 'reader', 'count'),
    [
        (voc, 'VocReader', 1),
        (odvg, 'OdvgReader', 1),
        (labelme, 'LabelMeReader', 1),
        (via, 'ViaReader', 1),
        (table, 'CsvReader', 1),
        (tables, 'CsvReader', 2),
        (pairs_by_suffix, 'MaskImageReader', 2),
        (folders_of_pixels, 'MaskImageReader', 2),
    ],
    ids=lambda value: getattr(value, '__name__', str(value)),
)
def test_layouts_run_as_guessed(make: Callable, reader: str, count: int, tmp_path: Path) -> None:
    folder = tmp_path / 'raw' / 'colonoscopy_polyp'
    folder.mkdir(parents=True)
    make(folder)
    guessed = guess_recipe(folder)
    assert guessed.recipe['reader'] == reader
    assert guessed.to_fill_in == ()
    recipe = parse_recipe(guessed.recipe)
    [report] = run_ingest([recipe], tmp_path / 'raw', tmp_path / 'store', engine='serial')
    assert report.images == report.regions == count
    assert set(report.labels) == {'polyp'}


def test_names_of_a_json_and_the_decathlons(tmp_path: Path) -> None:
    for stem in ('liver_0', 'liver_1'):
        volume(tmp_path / f'ct/imagesTr/{stem}.nii.gz')
        volume(tmp_path / f'ct/labelsTr/{stem}.nii.gz', cells((1, 2)))
    labels = {'0': 'background', '1': 'liver', '2': 'cancer'}
    text(tmp_path / 'ct/dataset.json', json.dumps({'labels': labels}))
    guessed = guess_recipe(tmp_path / 'ct')
    assert guessed.recipe['names'] == 'dataset.json'
    assert guessed.recipe['labels'] == {'liver': 'liver', 'cancer': None}
    assert 'cancer: null  # near:' in guessed.text


def test_hounsfield_units_are_ct(tmp_path: Path) -> None:
    values = cells((1,)).astype(np.int16) - 1000
    volume(tmp_path / 'imagesTr/a_0000.nii.gz', values)
    volume(tmp_path / 'labelsTr/a.nii.gz', cells((1,)))
    guessed = guess_recipe(tmp_path)
    assert guessed.recipe['modality'] == 'ct'
    assert guessed.recipe['images'] == 'imagesTr/{stem}_0000.nii.gz'
    assert guessed.to_fill_in == ('labels',)


def test_two_jsons_of_the_same_images(tmp_path: Path) -> None:
    image(tmp_path / 'train/a.jpg')
    for name, files in (('all', ['a.jpg', 'gone.jpg']), ('subset', ['a.jpg'])):
        images = [{'id': n, 'file_name': file} for n, file in enumerate(files)]
        content = {'images': images, 'annotations': [], 'categories': []}
        text(tmp_path / f'train/{name}.json', json.dumps(content))
    guessed = guess_recipe(tmp_path)
    [entry] = guessed.recipe['annotations']
    assert entry == {'file': 'train/subset.json', 'images': 'train', 'split': 'train'}
    assert 'train/all.json' in guessed.text


def test_masks_tell_how_they_are_drawn(tmp_path: Path) -> None:
    from PIL import Image

    image(tmp_path / 'images/a.png')
    outline = np.zeros((32, 48), np.uint8)
    outline[4:28, 6:40] = 255
    outline[5:27, 7:39] = 0
    (tmp_path / 'masks').mkdir()
    Image.fromarray(outline).save(tmp_path / 'masks/a.png')
    assert guess_recipe(tmp_path).recipe['masks'][0]['fill'] == 'convex'
    mask(tmp_path / 'masks/a.png', {1: (2, 2, 10, 10), 2: (12, 2, 20, 10)})
    assert guess_recipe(tmp_path).recipe['masks'][0]['values'] == {1: None, 2: None}
    colours = np.zeros((32, 48, 3), np.uint8)
    colours[2:10, 2:10] = (255, 0, 0)
    Image.fromarray(colours).save(tmp_path / 'masks/a.png')
    assert guess_recipe(tmp_path).recipe['masks'][0]['colors'] == {'#ff0000': None}


@pytest.mark.parametrize(
    ('images', 'marks', 'expected'),
    [
        (['a/1.png'], ['b/1.png'], ('a/{stem}.png', 'b/{stem}.png')),
        (['1_HC.png'], ['1_HC_mask.png'], ('{stem}.png', '{stem}_mask.png')),
        (
            ['train/x/1.jpg', 'valid/x/2.jpg'],
            ['train/y/1.txt', 'valid/y/2.txt'],
            ('{split}/x/{stem}.jpg', '{split}/y/{stem}.txt'),
        ),
        (
            ['imagesTr/a1.nii.gz', 'imagesVa/a2.nii.gz'],
            ['labelsTr/a1.nii.gz', 'labelsVa/a2.nii.gz'],
            ('images{split}/{stem}.nii.gz', 'labels{split}/{stem}.nii.gz'),
        ),
        (
            ['img/img0001.nii.gz', 'img/img0002.nii.gz'],
            ['label/label0001.nii.gz', 'label/label0002.nii.gz'],
            ('img/img{stem}.nii.gz', 'label/label{stem}.nii.gz'),
        ),
        (
            ['p1/a.png', 'p2/b.png'],
            ['gt/a/soft/a_od.png', 'gt/b/soft/b_od.png'],
            ('p*/{stem}.png', 'gt/{stem}/soft/{stem}_od.png'),
        ),
        (['a[1].png'], ['m/a[1].png'], ('{stem}.png', 'm/{stem}.png')),
        (['x[1]/a.png'], ['m/a.png'], ('x[[]1]/{stem}.png', 'm/{stem}.png')),
    ],
    ids=[
        'folders',
        'suffix',
        'split',
        'split inside',
        'prefix',
        'of stem',
        'glob',
        'escaped',
    ],
)
def test_patterns(images: list, marks: list, expected: tuple) -> None:
    [paired] = patterns_of(pair_files(images, marks))
    assert (paired.images, paired.marks) == expected


def test_a_number_is_not_cut() -> None:
    assert pair_files(['1.png', '12.png'], ['12_mask.png']) == [Pair('12.png', '12_mask.png', '12')]


def test_several_masks_of_an_image_are_several_patterns() -> None:
    marks = [f'm/{side}/{n}.png' for side in ('left', 'right') for n in (1, 2)]
    found = patterns_of(pair_files(['x/1.png', 'x/2.png'], marks))
    assert [paired.marks for paired in found] == ['m/left/{stem}.png', 'm/right/{stem}.png']


@pytest.mark.parametrize(
    ('stems', 'expression'),
    [
        (['a.rf.1', 'a.rf.2', 'b.rf.3'], r'^(.+?)\.rf\.'),
        (['P1_2', 'P1_3', 'P2_1'], r'^([A-Za-z]+[-_]?\d+)[-_(]'),
        (['12_a', '12_b', '13_a'], r'^(\d+)[-_(]'),
        (['a', 'b'], None),
        (['12_a', '13_a'], None),
    ],
    ids=['copies', 'letters', 'number', 'no rule', 'no groups'],
)
def test_patients(stems: list[str], expression: str | None) -> None:
    found = guess_patient(stems)
    assert (found and found[0]) == expression


def test_words() -> None:
    ontology = Ontology.default()
    assert guess_modality(['data/retinal_fundus/a.png']) == 'fundus'
    assert guess_modality(['data/a.png']) is None
    assert label_in_words('drishti_cupsegSoftmap', ontology, 'fundus') == 'optic_cup'
    assert label_in_words('fetal_head_mask', ontology, 'ultrasound') == 'fetal_head'
    # An abbreviation in the name of a folder means too much.
    assert label_in_words('CVC 300', ontology, 'endoscopy', 4) is None


def test_text_survives_hostile_names() -> None:
    recipe = {'name': 'a', 'labels': {'x: [1]\n- y': None, '#b': 'polyp'}}
    comments = {'name': 'line\nbreak: {x}', 'labels': '\x1b[31mred'}
    told = recipe_text(recipe, comments, {'#b': 'near:\nevil: 1'}, ['one\ntwo'])
    assert yaml.safe_load(told) == recipe
    assert '\x1b' not in told


def test_look_is_bounded_and_stays_inside(tmp_path: Path) -> None:
    outside = tmp_path / 'outside'
    image(outside / 'a.png')
    folder = tmp_path / 'polyps'
    pairs_by_suffix(folder)
    os.symlink(outside / 'a.png', folder / 'c.png')
    os.symlink(outside, folder / 'linked')
    for number in range(500):
        text(folder / f'notes/{number}.txt', 'nothing')
    guessed = guess_recipe(folder)
    assert 'Only a part of the files was looked at.' in guessed.text
    assert '2 images with 2 mask images' in guessed.text


@pytest.mark.parametrize(
    'content',
    [
        b'{"images": [1], "annotations": [], "categories": []}',
        b'[' * 100_000,
        b'\xff\xfe',
        b'{"shapes": 1',
    ],
    ids=['numbers', 'deep', 'not text', 'cut off'],
)
def test_broken_files_are_passed_by(content: bytes, tmp_path: Path) -> None:
    pairs_by_suffix(tmp_path)
    for suffix in ('json', 'jsonl', 'xml', 'csv', 'txt', 'yaml', 'npz', 'nii.gz', 'dcm'):
        (tmp_path / f'a.{suffix}').write_bytes(content)
    assert guess_recipe(tmp_path).recipe['reader'] == 'MaskImageReader'


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='does not exist'):
        guess_recipe(tmp_path / 'none')


@pytest.mark.parametrize(
    ('folder', 'reader', 'label'),
    [
        ('ct/imis_bench_btcv', 'ScipyNpzReader', 'esophagus'),
        ('ct/medsam2_recist_lesion_npz', 'NpzVolumeReader', 'lesion'),
        ('ct/sam_med2d_demo', 'MaskImageReader', 'liver'),
        ('ct/totalsegmentator_nifti', 'NiftiReader', 'liver'),
        ('ct/urolithnet_kidney_stones', 'YoloReader', 'kidney_stone'),
        ('mri/totalsegmentator_nifti', 'NiftiReader', 'liver'),
        ('mri/roboflow_brain_tumor_br35h', 'CocoReader', None),
        ('dicom/dcmqi_ct_seg', 'DicomReader', 'liver'),
        ('dermoscopy/roboflow_skin_cancer_v2', 'YoloReader', 'benign_skin_lesion'),
        ('endoscopy/kvasir_seg', 'MaskImageReader', None),
        ('fundus/drishti_gs', 'MaskImageReader', 'optic_cup'),
        ('ultrasound/ddti_thyroid_nodule', 'MaskImageReader', 'thyroid_nodule'),
        ('ultrasound/hc18_fetal_head', 'MaskImageReader', 'fetal_head'),
        ('xray/ufba425_panoramic_teeth', 'YoloReader', 'tooth_48'),
    ],
    ids=lambda value: str(value),
)
def test_real_folders(folder: str, reader: str, label: str | None, real_data_root: Path) -> None:
    path = real_data_root / folder
    if not path.is_dir():
        pytest.skip(f'no folder {folder} among the real images')
    guessed = guess_recipe(path)
    assert guessed.recipe['reader'] == reader
    expected = 'ct' if folder.startswith('dicom') else folder.split('/')[0]
    assert guessed.recipe['modality'] == expected
    if label is None:
        assert guessed.to_fill_in in (('labels',), ('label',))
    else:
        assert guessed.to_fill_in == ()
        assert label in guessed.text
