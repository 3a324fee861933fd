"""Every config to compare with and every mixture trains and is tested, and says the same budget."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmdet_medglip.engine.config import check_data, load_config
from mmdet_medglip.engine.launch import build_runner
from mmdet_medglip.evaluation import load_results
from mmdet_medglip.registry import MODELS
from mmdet_medglip.testing.glip_pair import write_random_bert
from mmdet_medglip.text import resolve_language_model

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
LEAVES = sorted([*CONFIGS.glob('baselines/*.py'), *CONFIGS.glob('mixed/*.py')])
# Those that start from published weights; their parts are cut down to be trained here.
LARGE = [path for path in LEAVES if path.stem.endswith('-t')]
DEFAULT_SIZE = [path for path in LEAVES if path not in LARGE]
WITHOUT_XRAY = ('mask_rcnn_router',)
RATES = {'all_grounding_dino_r18': 2e-4}
SIDE = 128


def is_slow(path: Path) -> bool:
    """Whether a step of the detector takes long on a CPU."""
    return path in LARGE or 'glip_r18' in path.stem or 'grounding_dino' in path.stem


def each(paths, trains=False):
    rows = []
    for path in paths:
        marks = [pytest.mark.slow] if trains and is_slow(path) else []
        rows.append(pytest.param(path, id=path.stem, marks=marks))
    return pytest.mark.parametrize('path', rows)


@pytest.fixture(autouse=True)
def language_model(monkeypatch):
    monkeypatch.setenv('GLIP_LANGUAGE_MODEL', resolve_language_model('bundled'))


def short(path: Path, store: Path, tmp_path: Path, **changes: object) -> Config:
    """A config that trains two batches of two small images and looks at two."""
    options = {
        'data_root': str(store),
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 2,
        'val_dataloader.batch_size': 2,
        'test_dataloader.batch_size': 2,
        'val_dataloader.dataset.indices': 2,
        'default_hooks.logger.interval': 1,
    }
    for part in ('train', 'val', 'test'):
        options |= {
            f'{part}_dataloader.num_workers': 0,
            f'{part}_dataloader.persistent_workers': False,
        }
    if path.stem.startswith('ct_'):
        options['train_dataloader.dataset.indices'] = 4
    else:
        options['train_dataloader.batch_sampler.num_batches'] = 2
    config = load_config(path, options | changes)
    for part in ('train', 'val', 'test'):
        for step in config[f'{part}_dataloader'].dataset.pipeline:
            step.update({key: (SIDE, SIDE) for key in ('scale', 'size') if key in step})
            if 'scales' in step:
                step.scales = [(SIDE, SIDE)]
            if 'language_model' in step:
                step.language_model = 'bundled'
    config.work_dir, config.launcher = str(tmp_path / path.stem), 'none'
    config.experiment_name = f'{path.stem}_{tmp_path.name}'
    config.test_evaluator = [
        *config.test_evaluator,
        dict(type='ResultFileMetric', out_file=str(tmp_path / 'results.npz')),
    ]
    return config


def train_and_test(config: Config) -> tuple[Runner, dict[str, float]]:
    """Run a config; scores are not cut, so that an untrained model answers."""
    runner = build_runner(config)
    before = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.train()
    after = dict(runner.model.named_parameters())
    assert all(torch.isfinite(p).all() for p in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    frozen = [name for name in before if name.startswith('language_model.')]
    still = config.optim_wrapper.get('paramwise_cfg', {}).get('custom_keys', {})
    if 'language_model' in still or config.model.type == 'MedGLIP':
        assert all(torch.equal(before[name], after[name]) for name in frozen)
    return runner, runner.test()


@each(DEFAULT_SIZE, trains=True)
def test_it_trains_and_is_tested(path, seven_store, tmp_path):
    config = short(path, seven_store, tmp_path)
    for cut in (config.model.get('test_cfg', {}), config.model.get('test_cfg', {}).get('rcnn', {})):
        if 'score_thr' in cut:
            cut['score_thr'] = 0.0
        if 'rpn' in cut:  # A head of two stages looks at each proposal.
            cut['rpn'].update(nms_pre=200, max_per_img=50)
    _, metrics = train_and_test(config)
    shown = ['ct'] if path.stem.startswith('ct_') else ['ct', 'mri', 'fundus', 'xray']
    for modality in shown:
        if modality != 'xray' or path.stem not in WITHOUT_XRAY:
            assert 0 <= metrics[f'coco/{modality}/AP50'] <= 1
            assert 0 <= metrics[f'phrase/{modality}/Recall@1'] <= 1
    results = load_results(tmp_path / 'results.npz')
    assert (
        len(results)
        == metrics['results/images']
        == 2 * (1 if shown == ['ct'] else 7) - 2 * (path.stem in WITHOUT_XRAY)
    )
    # Two labels of its source are asked of each image, and only those are answered.
    assert all(len(image.phrases) == 2 for image in results.images)
    assert sum(len(image.boxes) for image in results.images) > 0
    assert ('coco/segm_mAP_50' in metrics) == (path.stem in WITHOUT_XRAY)


@each(LARGE, trains=True)
def test_the_large_ones_train_with_fewer_layers(path, seven_store, tmp_path, monkeypatch):
    monkeypatch.setenv('GLIP_LANGUAGE_MODEL', write_random_bert(tmp_path / 'bert', num_layers=1))
    config = short(path, seven_store, tmp_path, load_from=None)
    config.model.backbone.depths = [1, 1, 1, 1]
    if 'encoder' in config.model:
        config.model.encoder.num_layers = config.model.decoder.num_layers = 1
        config.model.num_queries = 50  # an image of 128 pixels has 340 places
    else:
        config.model.bbox_head.num_dyhead_blocks = 1
    _, metrics = train_and_test(config)
    assert 'coco/ct/AP50' in metrics


@each([p for p in LEAVES if p.parent.name == 'baselines' and p.stem.startswith('all_')])
def test_only_the_detector_differs(path):
    own = 'all_glip-t' if path in LARGE else 'all'
    config, ours = (Config.fromfile(p) for p in (path, CONFIGS / 'medglip' / f'{own}.py'))
    assert config.train_cfg == ours.train_cfg
    assert config.param_scheduler == ours.param_scheduler
    assert config.val_evaluator == ours.val_evaluator
    rate = RATES.get(path.stem, ours.optim_wrapper.optimizer.lr)
    assert config.optim_wrapper.optimizer == dict(ours.optim_wrapper.optimizer, lr=rate)
    for part in ('train', 'val', 'test'):
        found, expected = (copy.deepcopy(c[f'{part}_dataloader']) for c in (config, ours))
        steps, own = (loader.dataset.pop('pipeline') for loader in (found, expected))
        found.dataset.pop('prefer', None)
        assert found == expected
        # The prompt is said otherwise to a closed set; GLIP's corners are inclusive.
        plain = [t for t in steps if t.type != 'GTBoxSubOne_GLIP']
        for step, other in zip(plain, own, strict=True):
            assert step == other or (step.type, other.type) == ('ClosedSetPrompt', 'SamplePrompt')


def test_wide_encoder_has_the_parameters_of_all_experts():
    DefaultScope.get_instance('configs', scope_name='mmdet_medglip')
    ours, wide = (
        MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
        for name in ('medglip/all', 'baselines/all_shared_wide')
    )
    counts = [
        sum(p.numel() for p in model.parameters() if p.requires_grad) for model in (ours, wide)
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.05)


def test_missing_data_are_said_before_heads_are_built(tmp_path):
    missing = {'data_root': str(tmp_path / 'none')}
    config = load_config(CONFIGS / 'baselines' / 'all_atss.py', missing)
    with pytest.raises(FileNotFoundError, match='make_demo_data'):
        check_data(config, 'train_dataloader')


def test_grounding_dino_t_takes_mmdetections_weights(tmp_path, monkeypatch):
    """Names and shapes are those of the detector that its published weights are of."""
    monkeypatch.setenv('GLIP_LANGUAGE_MODEL', write_random_bert(tmp_path, num_layers=1))
    DefaultScope.get_instance('configs', scope_name='mmdet_medglip')
    ours = Config.fromfile(CONFIGS / 'baselines' / 'all_grounding_dino_swin-t.py').model
    mmdet = get_config('mmdet::mm_grounding_dino/grounding_dino_swin-t_pretrain_obj365.py').model
    mmdet.language_model.name = str(tmp_path)
    mmdet.backbone.update(init_cfg=None, with_cp=False)
    mmdet.encoder.num_cp = 0
    shapes = [
        {name: value.shape for name, value in MODELS.build(model).state_dict().items()}
        for model in (ours, mmdet)
    ]
    assert shapes[0] == shapes[1]
