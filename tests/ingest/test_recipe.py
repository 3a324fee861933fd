"""Recipes, the whole way into a store, and the command."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mmdet_medglip.datasets.store import GroundingStore
from mmdet_medglip.ingest import StoreWriter, available_recipes, ingest, load_recipe
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import READERS

_RECIPE = """
name: small
title: Small
root: small_set
reader: MaskImageReader
modality: endoscopy
images: '{stem}.png'
masks: [{path: 'm/{stem}.png', label: polyp}]
split: {fixed: val}
"""
# Recipe and labels among its first three items.
_REAL = [
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
    ('totalsegmentator_ct', {'liver', 'kidney_left'}),
    ('totalsegmentator_mr', {'vertebrae'}),
]


@pytest.fixture
def data_root(tmp_path: Path, save: Callable) -> Path:
    """Three images; one with a mask, one without, one whose mask has another size."""
    root = tmp_path / 'raw' / 'small_set'
    mask = np.zeros((6, 8), dtype=np.uint8)
    mask[1:3, 2:5] = 255
    for name in 'abc':
        save(root / f'{name}.png', np.zeros((6, 8), dtype=np.uint8))
    save(root / 'm' / 'a.png', mask)
    save(root / 'm' / 'c.png', mask[:3])
    (tmp_path / 'small.yaml').write_text(_RECIPE)
    return tmp_path / 'raw'


@pytest.fixture(scope='module')
def tool(repo_root: Path) -> ModuleType:
    """The command as a module."""
    spec = importlib.util.spec_from_file_location('ingest_tool', repo_root / 'tools' / 'ingest.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('name', available_recipes())
def test_packaged_recipe_is_sound(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert READERS.get(recipe.reader) is not None
    ontology = Ontology.default()
    ontology.parse_modality(recipe.options['modality'])
    for label in recipe.options.get('labels', {}).values():
        assert label is None or label in ontology.labels
    assert recipe.options['licence']


def test_readers_are_registered() -> None:
    READERS.get('CocoReader')
    expected = {'CocoReader', 'MaskImageReader', 'NiftiReader', 'ScipyNpzReader', 'YoloReader'}
    assert expected <= set(READERS.module_dict)


def test_ingest_reports_what_came_and_what_did_not(data_root: Path) -> None:
    recipe = load_recipe(data_root.parent / 'small.yaml')
    with StoreWriter(data_root.parent / 's', name='t') as writer:
        [report] = ingest([recipe], data_root, writer)
    assert (report.records, report.instances, report.negatives) == (1, 1, 0)
    assert dict(report.splits) == {'val': 1}
    assert dict(report.labels) == {'polyp': 1}
    assert dict(report.skipped) == {'mask file is missing': 1, 'not readable or not valid': 1}
    lines = (data_root.parent / 's' / 'skipped.jsonl').read_text().splitlines()
    assert ['"small/b.png"' in lines[0], '3 rows' in lines[1]] == [True, True]
    assert GroundingStore(data_root.parent / 's')[0].image_id == 'small/a'


def test_what_the_store_refuses_is_skipped(data_root: Path) -> None:
    recipe = load_recipe(data_root.parent / 'small.yaml')
    with StoreWriter(data_root.parent / 's', name='t') as writer:
        reports = ingest([recipe, recipe], data_root, writer)
    assert [report.records for report in reports] == [1, 0]
    assert reports[1].skipped['refused by the store'] == 1


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        pytest.param('root: small_set', '', "lacks 'root'", id='no-root'),
        pytest.param('title: Small', 'title: [', 'not valid YAML', id='not-yaml'),
    ],
)
def test_bad_recipe_file(data_root: Path, old: str, new: str, message: str) -> None:
    path = data_root.parent / 'small.yaml'
    path.write_text(_RECIPE.replace(old, new))
    with pytest.raises(ValueError, match=rf'small\.yaml.*{message}'):
        load_recipe(path)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        pytest.param('MaskImageReader', 'PdfReader', "unknown reader 'PdfReader'", id='reader'),
        pytest.param('images:', 'imagez: 1\nimages:', "'imagez'", id='unknown-option'),
        pytest.param('small_set', '../small_set', r"free of '\.\.'", id='root-outside'),
        pytest.param('endoscopy', 'endoskopy', "Did you mean 'endoscopy'", id='modality'),
    ],
)
def test_bad_recipe(data_root: Path, old: str, new: str, message: str) -> None:
    path = data_root.parent / 'small.yaml'
    path.write_text(_RECIPE.replace(old, new))
    with pytest.raises(ValueError, match=message):
        load_recipe(path).build_reader(data_root)


@pytest.mark.parametrize('name', ['no_such_recipe', 'none.yaml'], ids=['name', 'file'])
def test_unknown_recipe(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r'packaged are .*kvasir_seg|does not exist'):
        load_recipe(name)


def test_command_writes_a_store_and_a_table(
    data_root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data_root.parent / 's'
    recipe = str(data_root.parent / 'small.yaml')
    argv = ['--recipe', recipe, '--data-root', str(data_root), '--out', str(out)]
    assert tool.main(argv) == 0
    shown = capsys.readouterr().out
    assert 'small' in shown
    assert 'mask file is missing' in shown
    assert len(GroundingStore(out)) == 1
    assert tool.main(argv) == 1
    assert 'already holds a store' in capsys.readouterr().err
    assert tool.main([*argv, '--overwrite']) == 0


def test_command_leaves_nothing_when_a_recipe_is_wrong(
    data_root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data_root.parent / 'small.yaml'
    path.write_text(_RECIPE.replace('polyp', 'polypp'))
    out = data_root.parent / 's'
    argv = ['--recipe', str(path), '--data-root', str(data_root), '--out', str(out)]
    assert tool.main(argv) == 1
    assert "Did you mean 'polyp'" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(('name', 'labels'), _REAL, ids=[row[0] for row in _REAL])
def test_real_folder(tmp_path: Path, real_data_root: Path, name: str, labels: set[str]) -> None:
    recipe = load_recipe(name)
    if not (real_data_root / recipe.root).is_dir():
        pytest.skip(f'{real_data_root / recipe.root} is not there')
    with StoreWriter(tmp_path / 's', name=name) as writer:
        [report] = ingest([recipe], real_data_root, writer, limit=3)
    assert report.records == 3
    assert labels <= set(report.labels)
    assert all(record.instances for record in GroundingStore(tmp_path / 's'))


def test_real_polyp_boxes_agree_with_those_published(real_data_root: Path) -> None:
    folder = real_data_root / 'endoscopy' / 'kvasir_seg'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    reader = load_recipe('kvasir_seg').build_reader(real_data_root)
    agreeing = compared = 0
    for (record, image), _ in zip(reader, range(40), strict=False):
        lines = (folder / 'train' / 'bbox' / f'{image.stem}.csv').read_text().splitlines()[1:]
        published = [[float(value) for value in line.split(',')[1:]] for line in lines]
        if len(published) == len(record.instances) == 1:
            compared += 1
            agreeing += bool(np.abs(np.subtract(published[0], record.instances[0].bbox)).max() <= 4)
    assert compared > 30
    assert agreeing >= 0.95 * compared
