"""Recipes: files that say how a data set becomes records."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mmdet_medglip.ingest import available_recipes, load_recipe, run_ingest
from mmdet_medglip.ingest.readers import RecipeError
from mmdet_medglip.ingest.recipe import parse_recipe
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import READERS
from mmdet_medglip.store import GroundingStore

SMALL = {
    'name': 'small',
    'title': 'Small',
    'url': 'https://example.org',
    'licence': 'CC0-1.0',
    'root': 'small_set',
    'reader': 'MaskImageReader',
    'modality': 'endoscopy',
    'images': '{stem}.png',
    'masks': [{'path': 'm/{stem}.png', 'label': 'polyp'}],
}
# Recipe and labels among its first items.
REAL = [
    ('br35h_brain_tumor', {'brain_tumor'}),
    ('btcv_imis', {'liver', 'aorta'}),
    ('ddti_thyroid_nodule', {'thyroid_nodule'}),
    ('drishti_gs', {'optic_disc', 'optic_cup'}),
    ('hc18_fetal_head', {'fetal_head'}),
    ('kvasir_seg', {'polyp'}),
    ('skin_cancer_v2', {'benign_skin_lesion'}),
    ('ufba425_teeth', {'tooth_11', 'tooth_31'}),
    ('urolithnet_kidney_stones', {'kidney_stone'}),
    ('sam_med2d_demo', {'liver', 'aorta'}),
    ('totalsegmentator_mr', {'vertebrae'}),
]


@pytest.mark.parametrize('name', available_recipes())
def test_packaged_recipe_is_sound(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert READERS.get(recipe.reader) is not None
    ontology = Ontology.default()
    label_map = recipe.label_map(ontology)
    assert label_map.modality in ontology.modalities
    assert recipe.url
    assert recipe.licence


def test_other_keys_are_options_of_the_reader() -> None:
    recipe = parse_recipe(SMALL)
    assert set(recipe.options) == {'images', 'masks'}
    assert recipe.boxes.min_area == 1
    assert recipe.window_values is None


@pytest.mark.parametrize(
    ('window', 'expected'),
    [('lung', (-160.0, 1500.0)), ([30, 300], (30.0, 300.0))],
    ids=['preset', 'values'],
)
def test_window_is_centre_and_width(window: Any, expected: tuple) -> None:
    assert parse_recipe(SMALL | {'window': window}).window_values == expected


@pytest.mark.parametrize(
    ('change', 'same'),
    [
        ({'title': 'Another'}, True),
        ({'notes': 'mind the gap'}, True),
        ({'labels': {'a': 'polyp'}}, False),
        ({'masks': [{'path': 'm/{stem}.png', 'values': {1: 'polyp'}}]}, False),
        ({'split': {'fixed': 'val'}}, False),
    ],
    ids=['title', 'notes', 'labels', 'options', 'split'],
)
def test_digest_follows_what_can_change_a_record(change: dict, same: bool) -> None:
    assert (parse_recipe(SMALL | change).digest == parse_recipe(SMALL).digest) == same


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'root': None}, r'Expected `str`, got `null` - at `\$\.root`'),
        ({'licence': ' '}, "'licence' is empty"),
        ({'name': 'Small set'}, "'name' must be lower case"),
        ({'name': '../x'}, "'name' must be lower case"),
        ({'boxes': {'min_area': 0}}, r'`int` >= 1 - at `\$\.boxes\.min_area`'),
        ({'boxes': {'min_areas': 3}}, 'unknown field `min_areas`'),
        ({'boxes': {'policy': {'polyp': 'many'}}}, r"Invalid enum value 'many'"),
        ({'window': 'abdomen'}, "'window' must be .* soft_tissue, lung, brain, bone"),
        ({'patient_id': '('}, "'patient_id' is not a regular expression"),
        (
            {'patient_id': 'x', 'similar': {'images': '{stem}.png', 'max_difference': 0.1}},
            "'patient_id' or 'similar', not both",
        ),
        ({'split': {'fractions': {'train': 0.5}}}, "'split': Split fractions must"),
        ({'split': {'fixed': 'holdout'}}, "'split': Unknown split 'holdout'"),
        ({'identifiers': 'hashed'}, "Invalid enum value 'hashed'"),
    ],
    ids=[
        'no_root',
        'empty',
        'name',
        'name_path',
        'min_area',
        'unknown_rule',
        'policy',
        'window',
        'regex',
        'two_rules',
        'fractions',
        'split',
        'identifiers',
    ],
)
def test_wrong_value_is_named(change: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_recipe(SMALL | change, 'Recipe x')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('title: [', 'not valid YAML'),
        ('- a\n- b\n', 'must be a mapping of keys, got list'),
        ('!!python/object/apply:os.system [true]', 'not valid YAML'),
        ('a: ' + 'x' * 1_000_001, 'over 1000000 bytes'),
    ],
    ids=['syntax', 'list', 'code', 'huge'],
)
def test_bad_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / 'small.yaml'
    path.write_text(content)
    with pytest.raises(RecipeError, match=rf'small\.yaml.*{message}'):
        load_recipe(path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'reader': 'PdfReader'}, "unknown reader 'PdfReader'; known are .*CocoReader"),
        ({'imagez': 1}, "'imagez'"),
        ({'root': '../small_set'}, r"free of '\.\.'"),
        ({'modality': 'endoskopy'}, "Did you mean 'endoscopy'"),
        ({'labels': {'a': 'polypp'}}, "Did you mean .*'polyp'"),
    ],
    ids=['reader', 'option', 'root', 'modality', 'label'],
)
def test_what_cannot_be_built(tmp_path: Path, change: dict, message: str) -> None:
    (tmp_path / 'small_set').mkdir()
    with pytest.raises(ValueError, match=message):
        run_ingest([parse_recipe(SMALL | change)], tmp_path, tmp_path / 'store', engine='serial')
    assert not (tmp_path / 'store').exists()


@pytest.mark.parametrize('name', ['no_such_recipe', 'none.yaml'], ids=['name', 'file'])
def test_unknown_recipe(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r'packaged are .*kvasir_seg|does not exist'):
        load_recipe(name)


def test_file_is_loaded_like_a_packaged_one(tmp_path: Path) -> None:
    path = tmp_path / 'small.yaml'
    path.write_text(yaml.safe_dump(SMALL | {'labels': {1: 'polyp'}}))
    assert load_recipe(path).labels == {'1': 'polyp'}


def test_similar_images_are_one_patient(tmp_path: Path, save: Callable) -> None:
    rng = np.random.default_rng(0)
    one, other = (np.kron(rng.integers(20, 200, (8, 8)), np.ones((10, 10))) for _ in range(2))
    mask = np.zeros((80, 80), np.uint8)
    mask[10:30, 10:30] = 255
    for name, picture in {'a': one, 'b': other, 'c': one[:, ::-1]}.items():
        save(tmp_path / 'small_set' / f'{name}.png', np.ascontiguousarray(picture).astype('u1'))
        save(tmp_path / 'small_set' / 'm' / f'{name}.png', mask)
    rule = {'images': '{stem}.png', 'max_difference': 0.1}
    recipe = parse_recipe(SMALL | {'similar': rule})
    run_ingest([recipe], tmp_path, tmp_path / 'store', engine='serial')
    patients = [record.patient_id for record in GroundingStore(tmp_path / 'store')]
    assert patients == ['small/a', 'small/b', 'small/a']


@pytest.mark.parametrize(('name', 'labels'), REAL, ids=[row[0] for row in REAL])
def test_real_folder(tmp_path: Path, real_data_root: Path, name: str, labels: set[str]) -> None:
    recipe = load_recipe(name)
    if not (real_data_root / recipe.root).is_dir():
        pytest.skip(f'{real_data_root / recipe.root} is not there')
    store = tmp_path / 'store'
    (report,) = run_ingest([recipe], real_data_root, store, engine='serial', limit=3)
    assert report.images >= 3
    assert labels <= report.labels
    assert report.regions


def test_real_polyp_boxes_agree_with_those_published(tmp_path: Path, real_data_root: Path) -> None:
    folder = real_data_root / 'endoscopy' / 'kvasir_seg'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    recipe = load_recipe('kvasir_seg')
    run_ingest([recipe], real_data_root, tmp_path / 'store', engine='serial', limit=40)
    agreeing = compared = 0
    for record in GroundingStore(tmp_path / 'store'):
        stem = record.image_id.rsplit('/')[-1]
        lines = (folder / 'train' / 'bbox' / f'{stem}.csv').read_text().splitlines()[1:]
        published = [[float(value) for value in line.split(',')[1:]] for line in lines]
        if len(published) == len(record.instances) == 1:
            compared += 1
            agreeing += bool(np.abs(np.subtract(published[0], record.instances[0].bbox)).max() <= 4)
    assert compared > 30
    assert agreeing >= 0.95 * compared
