"""Over a thousand damaged inputs: each is a reject, one clear error, or provably harmless."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from mmdet_medglip.ingest.readers import RecipeError
from mmdet_medglip.ingest.recipe import load_recipe

from .corruption import VALUES, damage_text, deep, put
from .dicom import SUITES as DICOM
from .documents import DOCUMENTS
from .ledger import Suite, check_message, recipe_of, run_document, run_suite
from .raster import SUITES as RASTER
from .volumetric import SUITES as VOLUMES
from .written import SUITES as WRITTEN

SUITES = (*RASTER, *VOLUMES, *DICOM, *WRITTEN)
_KINDS = tuple(dict.fromkeys(document.name.partition(':')[0] for document in DOCUMENTS))
_RECIPE = recipe_of('demo', 'MaskImageReader', 'endoscopy', images='{stem}.png', labels={'a': None})

pytestmark = pytest.mark.filterwarnings('ignore')


@pytest.mark.parametrize('suite', SUITES, ids=lambda suite: suite.name)
def test_every_item_is_accounted_for(tmp_path: Path, suite: Suite) -> None:
    ledger = run_suite(suite, tmp_path)
    assert ledger.inputs == len(suite.faults)
    assert ledger.counts['rejected'] > 0


@pytest.mark.parametrize('kind', _KINDS)
def test_document_is_one_error_or_accounted_for(tmp_path: Path, kind: str) -> None:
    counts: Counter[str] = Counter()
    documents = [document for document in DOCUMENTS if document.name.startswith(f'{kind}:')]
    for number, document in enumerate(documents):
        counts += run_document(document, tmp_path / str(number)).counts
    assert counts.total() == len(documents)
    assert counts['error'] > 0
    # With the suites above, over a thousand inputs.
    assert sum(len(suite.faults) for suite in SUITES) + len(DOCUMENTS) >= 1000


def test_damaged_recipe_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / 'demo.yaml'
    contents = [damage.data for damage in damage_text(yaml.safe_dump(_RECIPE), 'recipe')]
    contents += [b'', b'7', b'[]', deep('[', ']', 5000), b'name: !!python/name:os.system\n']
    contents += [b'a: &a [*a]\n', b'name: demo\n' * 90_000, b'#' * 2_000_000]
    for key in _RECIPE:
        for value in VALUES[:10]:
            if value == value and value != float('inf'):
                contents.append(yaml.safe_dump(put(_RECIPE, (key,), value)).encode())
    errors = 0
    for content in contents:
        path.write_bytes(content)
        try:
            load_recipe(path)
        except RecipeError as error:
            check_message(str(error), path.name)
            errors += 1
    assert errors > len(contents) // 2
