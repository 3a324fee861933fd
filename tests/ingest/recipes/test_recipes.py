"""Every packaged recipe, run on a tiny data set in its documented layout."""

from collections import Counter
from pathlib import Path

import pytest

from mmdet_medglip.ingest import available_recipes, load_recipe, run_ingest
from mmdet_medglip.ingest.rejects import read_rejects
from mmdet_medglip.ingest.splits import SplitPolicy
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from tests.ingest.recipes.layouts import LAYOUTS
from tests.ingest.recipes.layouts.case import Seen
from tests.ingest.recipes.layouts.files import volume_box

RECIPES = available_recipes()


def test_every_recipe_has_a_layout() -> None:
    assert set(LAYOUTS) == set(RECIPES)
    assert len(RECIPES) >= 48


def test_recipes_cover_all_modalities() -> None:
    counts = Counter(load_recipe(name).modality for name in RECIPES)
    assert set(counts) == set(Ontology.default().modalities)
    assert min(counts.values()) >= 5


def test_titles_and_roots_are_unique_where_sources_are() -> None:
    recipes = [load_recipe(name) for name in RECIPES]
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    assert len({recipe.title for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize('name', RECIPES)
def test_recipe_says_what_it_is(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.url.startswith(('https://', 'http://'))
    assert recipe.licence
    assert recipe.notes
    ontology = Ontology.default()
    assert set(recipe.label_map(ontology)._labels) == set(recipe.labels)
    for label in recipe.boxes.policy:
        assert label in ontology.labels


@pytest.mark.parametrize('name', RECIPES)
def test_recipe_reads_its_layout(name: str, tmp_path: Path) -> None:
    recipe, layout = load_recipe(name), LAYOUTS[name]
    folder = tmp_path / 'raw' / recipe.root
    folder.mkdir(parents=True)
    layout.make(folder)
    run_ingest([recipe], tmp_path / 'raw', tmp_path / 'store', engine='serial')
    store = GroundingStore(tmp_path / 'store')
    records = {record.image_id: record for record in (store[i] for i in range(len(store)))}
    scope = recipe.patient_scope or name
    assert set(records) == {f'{name}/{seen.name}' for seen in layout.seen}
    for seen in layout.seen:
        record = records[f'{name}/{seen.name}']
        found = [(i.label, tuple(round(v, 3) for v in i.bbox)) for i in record.instances]
        assert sorted(found) == sorted(_rounded(seen)), seen.name
        assert record.patient_id == f'{scope}/{seen.patient or seen.name.rsplit("/", 1)[-1]}'
        assert record.split == seen.split or (
            seen.split is None
            and record.split == SplitPolicy(recipe.split).choose(record.patient_id)
        )
        assert record.modality == (seen.modality or recipe.modality)
    rejects: Counter[str] = Counter()
    for reject in read_rejects(tmp_path / 'store' / 'rejects.parquet'):
        rejects[reject.reason] += reject.count
    assert rejects == Counter(dict(layout.rejects))


def test_boxes_of_the_volumes() -> None:
    # 8 x 10 pixels: structure 1 is the patient's leftmost and rearmost, so it lies at the lower
    # right; 4 is the rightmost of its row; 20 is the foremost, at the upper left.
    assert volume_box(1) == (6, 8, 8, 10)
    assert volume_box(4) == (0, 8, 2, 10)
    assert volume_box(20) == (0, 0, 2, 2)
    assert volume_box(21) == volume_box(1)


def _rounded(seen: Seen) -> list:
    return [(label, tuple(round(float(v), 3) for v in box)) for label, box in seen.regions]
