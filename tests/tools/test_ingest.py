"""The command that makes stores and looks after them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from mmdet_medglip.store import GroundingStore

Main = Callable[..., int]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe file and its data: six images, one of them broken, one mask with two blobs."""
    root = tmp_path / 'raw' / 'small'
    (root / 'masks').mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 255, (24, 32), dtype=np.uint8)).save(root / f'{number}.png')
        mask = np.zeros((24, 32), np.uint8)
        mask[2:10, 3:12] = 255
        mask[15:20, 20:30] = 255 * (number == 1)
        Image.fromarray(mask).save(root / 'masks' / f'{number}.png')
    (root / '5.png').write_bytes(b'broken')
    path = tmp_path / 'small.yaml'
    content = {
        'name': 'small',
        'title': 'Small',
        'url': 'https://example.org',
        'licence': 'CC0-1.0',
        'root': 'small',
        'reader': 'MaskImageReader',
        'modality': 'endoscopy',
        'images': '{stem}.png',
        'masks': [{'path': 'masks/{stem}.png', 'label': 'polyp'}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def main(load_tool: Callable) -> Main:
    """The command, called with words."""
    tool = load_tool('ingest.py')
    return lambda *words: tool.main([str(word) for word in words])


def run(main: Main, recipe: Path, *more: object) -> int:
    """Run the recipe; ``more`` are further recipes and options."""
    store = recipe.parent / 'store'
    options = ('--data-root', recipe.parent / 'raw', '--out', store, '--engine', 'serial')
    return main('run', recipe, *more, *options)


def test_run_makes_a_store_and_says_what_came(main: Main, recipe: Path, capsys) -> None:
    assert run(main, recipe, '--json', recipe.parent / 'report.json') == 0
    shown = capsys.readouterr().out
    assert 'not readable or not valid' in shown
    assert 'data_card.md' in shown
    (entry,) = json.loads((recipe.parent / 'report.json').read_text())
    assert entry['added']
    assert entry['rejected'] == {'read': {'not readable or not valid': 1}}
    store = GroundingStore(recipe.parent / 'store')
    assert len(store) == 5
    assert (store.root / 'data_card.md').is_file()


def test_run_again_changes_nothing(main: Main, recipe: Path, capsys) -> None:
    run(main, recipe, '--no-card')
    before = (recipe.parent / 'store' / 'store.json').read_bytes()
    assert run(main, recipe, '--no-card') == 0
    assert 'unchanged' in capsys.readouterr().out
    assert (recipe.parent / 'store' / 'store.json').read_bytes() == before


def test_wrong_recipe_leaves_nothing(main: Main, recipe: Path, capsys) -> None:
    recipe.write_text(recipe.read_text().replace('polyp', 'polypp'))
    assert run(main, recipe) == 1
    assert "Did you mean 'polyp'" in capsys.readouterr().err
    assert not (recipe.parent / 'store').exists()


def test_missing_data_can_be_left_out(main: Main, recipe: Path, capsys) -> None:
    assert run(main, recipe, 'kvasir_seg') == 1
    assert 'kvasir_seg' in capsys.readouterr().err
    assert run(main, recipe, 'kvasir_seg', '--skip-missing', '--no-card') == 0
    assert '1 recipes without data: kvasir_seg' in capsys.readouterr().out


def test_init_writes_a_recipe_that_runs(main: Main, recipe: Path, capsys) -> None:
    (recipe.parent / 'raw' / 'small' / '5.png').unlink()
    guessed = recipe.parent / 'guessed.yaml'
    assert main('init', recipe.parent / 'raw' / 'small', '--out', guessed) == 0
    content = yaml.safe_load(guessed.read_text())
    assert content['reader'] == 'MaskImageReader'
    assert main('init', recipe.parent / 'raw' / 'small', '--out', guessed) == 1
    assert 'exists' in capsys.readouterr().err


def test_list_names_recipes(main: Main, capsys) -> None:
    assert main('list') == 0
    assert 'kvasir_seg' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('form', 'suffix'), [('coco', '.json'), ('odvg-od', '.jsonl'), ('odvg-vg', '.jsonl')]
)
def test_export(main: Main, recipe: Path, form: str, suffix: str) -> None:
    run(main, recipe, '--no-card')
    out = recipe.parent / 'export'
    assert main('export', recipe.parent / 'store', '--format', form, '--out', out) == 0
    assert any(path.suffix == suffix for path in out.rglob('*'))


def test_verify_finds_a_missing_image(main: Main, recipe: Path, capsys) -> None:
    run(main, recipe, '--no-card')
    store = recipe.parent / 'store'
    assert main('verify', store) == 0
    next((store / 'images').rglob('*.png')).unlink()
    assert main('verify', store) == 1
    assert '1 faults' in capsys.readouterr().out


def test_remove_takes_a_source_out(main: Main, recipe: Path, capsys) -> None:
    run(main, recipe, '--no-card')
    assert main('remove', recipe.parent / 'store', 'other') == 1
    assert "has no source 'other'; it has small" in capsys.readouterr().err
    assert main('remove', recipe.parent / 'store', 'small') == 0
    assert len(GroundingStore(recipe.parent / 'store')) == 0


def test_nothing_taken_is_a_failure(main: Main, recipe: Path, capsys) -> None:
    for path in (recipe.parent / 'raw' / 'small').glob('*.png'):
        path.write_bytes(b'broken')
    assert run(main, recipe, '--no-card') == 1
    assert 'no image was taken' in capsys.readouterr().err
    assert (recipe.parent / 'store' / 'rejects.parquet').is_file()
