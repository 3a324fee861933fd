"""What a look at the layouts of the packaged recipes guesses."""

import json
from pathlib import Path

import pytest
import yaml

from mmdet_medglip.ingest import available_recipes, load_recipe, run_ingest
from mmdet_medglip.ingest.guess import GuessedRecipe, guess_recipe
from mmdet_medglip.ingest.recipe import parse_recipe
from tests.ingest.recipes.layouts import LAYOUTS

# Layouts that no look at names can tell: columns or names that need to be taken apart.
NOT_FOUND = {'deep_lesion', 'dentex', 'nih_chestxray8'}
# Layouts of which a part is found, or which are taken for another one.
IN_PART = {'biomedparse', 'chaos_ct', 'endoscene'}
# Found, but a recipe takes other slices or images, or splits one folder.
OTHERWISE = {
    'amos22_ct',
    'amos22_mri',
    'brats2021',
    'btcv_imis',
    'ddti_thyroid_nodule',
    'luna16',
    'sa_med2d_20m',
    'totalsegmentator_ct_dataset',
    'totalsegmentator_mr_dataset',
}


def filled_in(guessed: GuessedRecipe, modality: str) -> dict:
    """Fill in what was left open, as a person would: any label will do here."""
    recipe = json.loads(json.dumps(guessed.recipe).replace('"???"', '"polyp"'))
    if 'modality' in guessed.to_fill_in:
        recipe['modality'] = modality
    if 'labels' in guessed.to_fill_in:
        recipe['labels'] = dict.fromkeys(recipe['labels'], 'polyp')
    return recipe


@pytest.mark.parametrize('name', sorted(set(available_recipes()) - NOT_FOUND))
def test_layouts_of_the_packaged_recipes(name: str, tmp_path: Path) -> None:
    packaged = load_recipe(name)
    folder = tmp_path / 'raw' / Path(packaged.root).name
    folder.mkdir(parents=True)
    LAYOUTS[name].make(folder)
    guessed = guess_recipe(folder)
    assert yaml.safe_load(guessed.text) == guessed.recipe
    assert parse_recipe(guessed.recipe).identifiers == 'pseudonymous'
    if name in IN_PART:
        return
    assert guessed.recipe['reader'] == packaged.reader
    if name not in OTHERWISE:
        recipe = parse_recipe(filled_in(guessed, packaged.modality))
        [report] = run_ingest([recipe], tmp_path / 'raw', tmp_path / 'store', engine='serial')
        assert report.images == len(LAYOUTS[name].seen)


@pytest.mark.parametrize('name', sorted(NOT_FOUND))
def test_unknown_layout_says_so(name: str, tmp_path: Path) -> None:
    LAYOUTS[name].make(tmp_path)
    with pytest.raises(ValueError, match='No known layout was found in'):
        guess_recipe(tmp_path)
