"""What is refused: one sentence for each fault, before anything is built."""

import json

import pytest

from mmdet_medglip.apis import MedGLIPInferencer, ModelFiles
from mmdet_medglip.ontology import DEFAULT_LABELS
from mmdet_medglip.packaging import PackedModel
from tests.packaging.conftest import relist


def test_what_is_whole_is_opened(packed):
    model = PackedModel.open(packed)
    assert model.contents.score_thr == 0.25
    assert model.ontology is None
    assert model.config.test_pipeline[2]['scale'] == (64, 64)


def _edit(name, function):
    def change(folder):
        path = folder / name
        path.write_text(function(path.read_text()))

    return change


def _list_entry(**values):
    return _edit('medglip.json', lambda text: json.dumps({**json.loads(text), **values}))


def _link(folder):
    (folder / 'README.md').rename(folder.parent / 'outside')
    (folder / 'README.md').symlink_to(folder.parent / 'outside')


CLIMBS = {'../x': {'bytes': 0, 'sha256': ''}}


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        pytest.param(lambda f: (f / 'medglip.json').unlink(), 'has no medglip.json', id='no-list'),
        pytest.param(lambda f: (f / 'LICENSE').unlink(), 'lacks LICENSE', id='missing-part'),
        pytest.param(
            _edit('config.json', lambda text: text.replace('64', '65', 1)),
            r'config.json was changed or damaged',
            id='changed-bytes',
        ),
        pytest.param(_edit('README.md', lambda t: t + ' '), 'README.md was changed', id='longer'),
        pytest.param(lambda f: (f / 'x.py').write_text(''), 'holds x.py, which', id='not-listed'),
        pytest.param(_link, 'README.md is a link', id='link'),
        pytest.param(_list_entry(version=2), 'has version 2 .* upgrade mmdet-medglip', id='newer'),
        pytest.param(_list_entry(format='zip'), "has the format 'zip'", id='other-format'),
        pytest.param(_list_entry(files={}), 'the list lacks README.md', id='empty-list'),
        pytest.param(_list_entry(files=CLIMBS), "has no file '../x'", id='climbs'),
        pytest.param(_list_entry(score_thr=2), r'score_thr must be in \[0, 1\]', id='threshold'),
        pytest.param(_list_entry(name='a/b'), 'name must be letters', id='name'),
        pytest.param(_edit('medglip.json', lambda text: text[:40]), 'is damaged', id='torn-list'),
        pytest.param(_list_entry(language_model='none'), 'none language model', id='no-language'),
    ],
)
def test_a_damaged_folder(copy, damage, message):
    damage(copy)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        PackedModel.open(copy)


def _set(*path, value):
    def change(config):
        for key in path[:-1]:
            config = config[key]
        config[path[-1]] = value

    return change


KD = 'mmdet.KnowledgeDistillationSingleStageDetector'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(_set('model', 'type', value='os.system'), "type is 'os.system'", id='call'),
        pytest.param(
            _set('model', 'neck', 'type', value=KD), 'detectors.kd_one_stage', id='runs-a-config'
        ),
        pytest.param(
            _set('model', 'neck', 'type', value='Nowhere'), "neck.type is 'Nowhere'", id='unknown'
        ),
        pytest.param(
            _set('model', 'test_cfg', 'nms', value={'type': 'print("x")'}),
            'nms.type must be one of',
            id='evaluated',
        ),
        pytest.param(
            _set('model', 'neck', 'init_cfg', value={'type': 'Pretrained'}),
            "the entry 'init_cfg'",
            id='other-weights',
        ),
        pytest.param(_set('model', '_scope_', value='mmseg'), "the entry '_scope_'", id='scope'),
        pytest.param(
            _set('model', 'language_model', 'name', value='/etc'), 'may name no path', id='path'
        ),
        pytest.param(
            _set('test_pipeline', 0, 'type', value='subprocess.run'), 'subprocess', id='step'
        ),
        pytest.param(_set('custom_imports', value=['evil']), 'must have model and', id='imports'),
        pytest.param(
            _set('model', 'backbone', 'experts', 'ct', 'base_channels', value=65536),
            'another shape',
            id='larger-than-its-weights',
        ),
    ],
)
def test_a_config_that_must_not_be_built(change_config, change, message):
    """Its list fits: who writes a model writes the list."""
    with pytest.raises(ValueError, match=message):
        PackedModel.open(change_config(change))


def test_weights_beside_a_packed_model(packed):
    with pytest.raises(ValueError, match='which has its weights'):
        ModelFiles(str(packed), 'x.pth').read()


def test_an_ontology_of_its_own_is_used(copy):
    (copy / 'ontology.yaml').write_text(DEFAULT_LABELS.read_text() + '\n# ours\n')
    relist(copy)
    inferencer = MedGLIPInferencer(str(copy), device='cpu', show_progress=False)
    assert inferencer.ontology is not None
    assert inferencer._trained['ontology'] == str(copy / 'ontology.yaml')
