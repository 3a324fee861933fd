"""Every shipped config of MedGLIP builds, and reads like a sentence."""

import ast
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.models.detectors import MedGLIP
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import DATA_SAMPLERS, DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

ROOT = Path(__file__).resolve().parents[2]
LEAVES = sorted((ROOT / 'configs' / 'medglip').glob('*.py'))
MODALITIES = Ontology.default().modalities
each_leaf = pytest.mark.parametrize('path', [pytest.param(p, id=p.stem) for p in LEAVES])


def bases_of(path: Path) -> list[Path]:
    """Files that a config inherits from directly."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == '_base_':
            named = ast.literal_eval(statement.value)
            named = [named] if isinstance(named, str) else named
            return [(path.parent / name).resolve() for name in named]
    return []


def depth_of(path: Path) -> int:
    """Number of files on the longest line of inheritance, the config included."""
    return 1 + max((depth_of(base) for base in bases_of(path)), default=0)


def modalities_of(path: Path) -> list[str]:
    name = path.stem.partition('_')[0]
    return list(MODALITIES) if name == 'all' else [name]


@pytest.fixture(scope='module')
def bert_768(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a one-layer encoder of BERT-base's width, with the bundled vocabulary."""
    from transformers import AutoTokenizer, BertConfig

    from mmdet_medglip.text import resolve_language_model

    folder = tmp_path_factory.mktemp('bert_768')
    AutoTokenizer.from_pretrained(resolve_language_model('bundled')).save_pretrained(folder)
    BertConfig(num_hidden_layers=1, intermediate_size=64).save_pretrained(folder)
    return str(folder)


def test_each_modality_and_all_have_both_sizes():
    names = {path.stem for path in LEAVES}
    both = {f'{m}{size}' for m in (*MODALITIES, 'all') for size in ('', '_glip-t')}
    assert names == both | {
        *('ct_384', 'all_384', 'all_auto', 'ct_presence', 'ct_hierarchy'),
        *('ct_words', 'all_words'),
    }


@pytest.mark.parametrize(
    'path',
    [
        pytest.param(p, id=f'{folder}-{p.stem}')
        for folder in ('medglip', 'baselines', 'mixed')
        for p in sorted((ROOT / 'configs' / folder).glob('*.py'))
    ],
)
def test_leaf_is_short_and_flat(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 25
    # GLIP's corners, on GLIP-T's input, on the data.
    assert depth_of(path) <= (4 if path.parent.name == 'baselines' else 3)
    for file in (path, *bases_of(path)):
        assert '_delete_' not in file.read_text()


@each_leaf
def test_parts_of_the_data_are_built(path):
    config = Config.fromfile(path)
    assert config.default_scope == 'mmdet_medglip'
    asked = None if path.stem.startswith('all') else modalities_of(path)
    for name, split in (('train', 'train'), ('val', 'val'), ('test', 'test')):
        loader = config[f'{name}_dataloader']
        dataset = loader.dataset
        assert DATASETS.get(dataset.type) is MedGroundingDataset
        assert dataset.split == split
        assert dataset.get('modalities') == asked
        assert dataset.data_root == config.data_root
        for transform in dataset.pipeline:
            TRANSFORMS.build(transform)
        prompt = next(t for t in dataset.pipeline if t.type == 'SamplePrompt')
        assert prompt.get('language_model', 'bundled') == config.model.language_model.name
        assert prompt.get('max_tokens', 256) == config.model.language_model.max_tokens
        assert (prompt.get('mode', 'train') == 'train') == (name == 'train')
        batch_sampler = loader.get('batch_sampler')
        assert batch_sampler is None or DATA_SAMPLERS.get(batch_sampler.type)
    for metric in (*config.val_evaluator, *config.test_evaluator):
        METRICS.build(metric)
    for hook in (*config.default_hooks.values(), *config.custom_hooks):
        assert HOOKS.get(hook.type), hook


@each_leaf
def test_model_is_built(path, bert_768):
    config = Config.fromfile(path).model
    declared = list(config.backbone.experts)
    assert declared == modalities_of(path)
    if path.stem.endswith('_glip-t'):
        # Its encoder is not here, and the full size takes long: one layer, one stage, one expert.
        config.language_model.update(name=bert_768, pretrained=False)
        config.neck.num_blocks = 1
        config.backbone.only = declared[-1:]
        for expert in config.backbone.experts.values():
            expert.depths = [1, 1, 1, 1]
        declared = declared[-1:]
    model = MODELS.build(config).eval()
    assert isinstance(model, MedGLIP)
    assert list(model.backbone.experts) == declared


@pytest.mark.parametrize('name', ['ct', 'ct_glip-t'])
def test_configured_model_answers(name, bert_768, sample):
    config = Config.fromfile(ROOT / 'configs' / 'medglip' / f'{name}.py').model
    if name == 'ct_glip-t':
        config.language_model.update(name=bert_768, pretrained=False)
        config.neck.num_blocks = 1
        config.backbone.experts.ct.depths = [1, 1, 1, 1]
    model = MODELS.build(config).eval()
    model.test_cfg.score_thr = model.bbox_head.test_cfg.score_thr = 0.0
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    request = sample(['liver', 'left kidney'], shape=(64, 64))
    with torch.no_grad():
        (result,) = model.test_step(dict(inputs=[image], data_samples=[request]))
    assert set(result.pred_instances.label_names) <= {'liver', 'left kidney'}
    assert len(result.pred_instances) > 0


def test_presence_is_a_switch_of_the_head():
    plain, model = (
        MODELS.build(Config.fromfile(ROOT / 'configs' / 'medglip' / f'{name}.py').model)
        for name in ('ct', 'ct_presence')
    )
    added = model.state_dict().keys() - plain.state_dict().keys()
    assert added
    assert all(name.startswith('bbox_head.presence.') for name in added)
    assert plain.presence is None
    assert model.presence.mode == 'report'


def test_frozen_encoder_leaves_the_rest_to_train():
    model = MODELS.build(Config.fromfile(ROOT / 'configs' / 'medglip' / 'ct.py').model)
    frozen = {n.split('.')[0] for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'language_model'}


@pytest.mark.parametrize('name', ['medglip/all_auto', 'routing/modality_classifier'])
def test_modality_classifier_is_trained_and_served(name):
    config = Config.fromfile(ROOT / 'configs' / f'{name}.py')
    assert len((ROOT / 'configs' / f'{name}.py').read_text().splitlines()) <= 25
    types = [t.type for t in config.train_dataloader.dataset.pipeline]
    assert types[:2] == ['LoadMedImage', 'ModalityThumbnail']
    assert 'ModalityRoutingHook' in [hook.type for hook in config.custom_hooks]
    model = MODELS.build(config.model)
    assert model.modality_classifier.modalities == tuple(MODALITIES)


def test_routing_comes_before_what_depends_on_it():
    config = Config.fromfile(ROOT / 'configs' / 'medglip' / 'all_auto.py')
    for loader in (config.val_dataloader, config.test_dataloader):
        types = [t.type for t in loader.dataset.pipeline]
        assert types[:2] == ['LoadMedImage', 'RouteModality']
    plain = Config.fromfile(ROOT / 'configs' / 'medglip' / 'all.py')
    assert types[2:] == [t.type for t in plain.test_dataloader.dataset.pipeline][1:]
