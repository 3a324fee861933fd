"""docs/recipes.md says what the recipes say."""

from pathlib import Path

import pytest

from mmdet_medglip.ingest import available_recipes, load_recipe
from mmdet_medglip.ingest.recipe import Recipe
from mmdet_medglip.ontology import Ontology

HEADINGS = {
    'ct': 'CT',
    'mri': 'MRI',
    'xray': 'X-ray',
    'ultrasound': 'Ultrasound',
    'endoscopy': 'Endoscopy',
    'dermoscopy': 'Dermoscopy',
    'fundus': 'Fundus photography',
    'mixed': 'Several modalities',
}
_LISTED = 6


def labels_of(recipe: Recipe) -> list[str]:
    """Return the labels that a recipe itself names, in its order."""
    options = recipe.options
    names = [*(options.get('names') or ()), *options.get('channels', ())]
    names += [options[key] for key in ('label', 'objects') if isinstance(options.get(key), str)]
    for rule in options.get('masks', ()):
        values = rule.get('values', {}).values()
        names += [n for value in values for n in (value if isinstance(value, list) else [value])]
        names += [rule['label']] if 'label' in rule else []
    names += recipe.labels
    label_map = recipe.label_map(Ontology.default())
    labels = [label_map(str(name)).label for name in names if name is not None]
    return list(dict.fromkeys(label for label in labels if label is not None))


def row(recipe: Recipe) -> str:
    """Return the line of a recipe in the table."""
    labels = labels_of(recipe)
    told = ', '.join(labels) if len(labels) <= _LISTED else f'{len(labels)} labels'
    cells = (
        f'`{recipe.name}`',
        f'[{recipe.title}]({recipe.url})',
        told or 'as the files name them',
        recipe.licence,
        ' '.join(recipe.notes.split()),
    )
    return f'| {" | ".join(cells)} |'


def rows_of(modality: str) -> list[str]:
    """Return the lines of the recipes of a modality, or of those that mix several."""
    recipes = [load_recipe(name) for name in available_recipes()]
    kinds = ['mixed' if 'modalities' in r.options else r.modality for r in recipes]
    return [row(r) for r, kind in zip(recipes, kinds, strict=True) if kind == modality]


@pytest.mark.parametrize('modality', HEADINGS)
def test_table_is_up_to_date(modality: str, repo_root: Path) -> None:
    lines = (repo_root / 'docs' / 'recipes.md').read_text(encoding='utf-8').splitlines()
    # The heading, an empty line, and the two lines of the table's head.
    start = lines.index(f'## {HEADINGS[modality]}') + 4
    end = lines.index('', start) if '' in lines[start:] else len(lines)
    assert lines[start:end] == rows_of(modality), 'replace the rows in docs/recipes.md by these'


def test_labels_of_a_table_row() -> None:
    assert labels_of(load_recipe('kits23')) == ['kidneys', 'kidney_tumor', 'kidney_cyst']
    assert labels_of(load_recipe('refuge')) == ['optic_disc', 'optic_cup']
    assert labels_of(load_recipe('br35h_brain_tumor')) == ['brain_tumor']
    assert labels_of(load_recipe('totalsegmentator_ct_dataset')) == []
