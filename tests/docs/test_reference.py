"""The reference shows every public name and every registered type; the diagrams are as drawn."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from xml.etree import ElementTree

import pytest

from mmdet_medglip import registry

PUBLIC = (
    *('apis', 'structures', 'store', 'ingest', 'text', 'answers', 'evaluation.functional'),
    *('volumes', 'dicom_out', 'packaging', 'downstream', 'models', 'datasets.transforms'),
    *('evaluation.metrics', 'engine.hooks', 'engine.adaptation', 'ontology', 'acceleration'),
)
KINDS = (
    *('MODELS', 'DATASETS', 'TRANSFORMS', 'DATA_SAMPLERS', 'METRICS', 'HOOKS', 'LOOPS', 'RUNNERS'),
    *('READERS', 'ADAPTATIONS'),
)
OWN = 'mmdet_medglip.'


@pytest.fixture(scope='module')
def documented(repo_root) -> set[str]:
    """Modules that the pages of the reference name."""
    pages = sorted((repo_root / 'docs/api').glob('*.md'))
    found = [re.findall(r'^\.\. automodule:: (\S+)', p.read_text(), re.MULTILINE) for p in pages]
    modules = [module for page in found for module in page]
    assert len(set(modules)) == len(modules), 'a module is documented twice'
    return set(modules)


@pytest.mark.parametrize('name', PUBLIC)
def test_public_packages_are_in_the_reference(documented, name):
    assert OWN + name in documented
    module = importlib.import_module(OWN + name)
    assert module.__all__
    for one in (getattr(module, name) for name in module.__all__):
        assert one.__doc__ or not (inspect.isclass(one) or inspect.isfunction(one)), one


def test_every_registered_type_is_in_the_reference(documented):
    shown = {
        getattr(module, name)
        for module in map(importlib.import_module, sorted(documented))
        for name in module.__all__
        if isinstance(getattr(module, name), type)
    }
    missing = []
    for kind in KINDS:
        registered = getattr(registry, kind)
        registered.import_from_location()
        for name, one in registered.module_dict.items():
            if one.__module__.startswith(OWN) and one not in shown:
                missing.append(f'{kind}: {name} of {one.__module__}')
    assert not missing


def test_diagrams_are_as_the_program_draws_them(repo_root):
    path = repo_root / 'docs/draw_diagrams.py'
    spec = importlib.util.spec_from_file_location('draw_diagrams', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert set(module.DIAGRAMS) == {'model.svg', 'journey.svg'}
    for name, draw in module.DIAGRAMS.items():
        text = (repo_root / 'docs/images' / name).read_text(encoding='utf-8')
        assert text == draw(), f'run python docs/draw_diagrams.py: {name} is old'
        tags = {element.tag.partition('}')[2] for element in ElementTree.fromstring(text).iter()}
        assert tags <= {'svg', 'title', 'defs', 'marker', 'path', 'rect', 'text'}


def test_every_page_is_in_the_contents(repo_root):
    index = (repo_root / 'docs/index.md').read_text()
    listed = re.findall(r'^([a-z_]+(?:/index)?)$', index, re.MULTILINE)
    pages = {p.stem for p in (repo_root / 'docs').glob('*.md')} - {'index'}
    assert set(listed) == pages | {'api/index'}
    assert len(listed) == len(set(listed))
