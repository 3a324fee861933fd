"""The reader of the documentation works as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest import run_ingest
from mmdet_medglip.ingest.recipe import parse_recipe
from mmdet_medglip.registry import READERS
from mmdet_medglip.store import GroundingStore


@pytest.fixture
def documented_reader(repo_root: Path):
    """Register the reader of docs/readers.md for one test."""
    code = re.search(r'```python\n(.*?)```', (repo_root / 'docs/readers.md').read_text(), re.DOTALL)
    exec(code[1], {})
    yield 'CentreBoxReader'
    READERS.module_dict.pop('CentreBoxReader')


def test_documented_reader_makes_a_store(tmp_path: Path, documented_reader: str) -> None:
    (tmp_path / 'raw').mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (32, 32), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'raw' / 'a.png')
    Image.fromarray(noise[:9]).save(tmp_path / 'raw' / 'b.png')
    recipe = {'name': 'doc', 'title': 'Doc', 'url': 'x', 'licence': 'CC0-1.0', 'root': 'raw'}
    recipe |= {'reader': documented_reader, 'modality': 'endoscopy'}
    (report,) = run_ingest([parse_recipe(recipe)], tmp_path, tmp_path / 's', engine='serial')
    (record,) = GroundingStore(tmp_path / 's')
    assert record.instances[0].bbox == (8, 8, 24, 24)
    assert report.rejected == {('read', 'not readable or not valid'): 1}
