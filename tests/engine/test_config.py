from pathlib import Path

import pytest
from mmengine.config import Config

from mmdet_medglip.engine.config import check_data, check_weights, default_work_dir, load_config

BASE = """
data_root = 'data/demo/store/'
dataset = dict(type='MedGroundingDataset', data_root=data_root)
test_evaluator = dict(ann_file=data_root + 'annotations/test.json', folders=(data_root, 'else'))
"""

LEAF = """
_base_ = ['./base.py']
data_root = {{_base_.data_root}}
train_dataloader = dict(
    dataset=dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(
            type='ConcatDataset',
            datasets=[
                dict(data_root=data_root, split='train'),
                dict(data_root='data/demo/store_other/', split='train'),
            ],
        ),
    )
)
test_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root='data/demo/store'))
"""


@pytest.fixture
def config_file(tmp_path):
    (tmp_path / 'base.py').write_text(BASE)
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(LEAF)
    return leaf


def data_roots(config):
    concat = config.train_dataloader.dataset.dataset.datasets
    return [
        concat[0].data_root,
        concat[1].data_root,
        config.val_dataloader.dataset.data_root,
        config.test_dataloader.dataset.data_root,
    ]


def test_without_options_the_config_is_as_written(config_file):
    assert data_roots(load_config(config_file)) == [
        'data/demo/store/',
        'data/demo/store_other/',
        'data/demo/store',
        'data/demo/store/',
    ]


@pytest.mark.parametrize('new', ['mine', 'mine/', '/disk/mine/'], ids=['bare', 'slash', 'absolute'])
def test_data_root_reaches_every_data_set_and_no_neighbour(config_file, new):
    config = load_config(config_file, {'data_root': new})
    assert data_roots(config) == [new, 'data/demo/store_other/', new, new]
    assert config.data_root == new
    assert config.dataset.data_root == new
    assert config.test_evaluator.ann_file == f'{new.rstrip("/")}/annotations/test.json'
    assert config.test_evaluator.folders == (new, 'else')


def test_a_single_data_set_can_still_have_its_own_folder(config_file):
    options = {
        'test_dataloader.dataset.data_root': 'data/demo/store/',
        'data_root': 'mine',
    }
    config = load_config(config_file, options)
    assert config.test_dataloader.dataset.data_root == 'data/demo/store/'
    assert config.val_dataloader.dataset.data_root == 'mine'


def test_the_override_survives_a_dump(config_file, tmp_path):
    dumped = tmp_path / 'dumped.py'
    load_config(config_file, {'data_root': 'mine'}).dump(str(dumped))
    assert data_roots(Config.fromfile(str(dumped)))[0] == 'mine'


def test_other_options_are_merged(config_file):
    config = load_config(config_file, {'train_dataloader.dataset.times': 5})
    assert config.train_dataloader.dataset.times == 5


def test_missing_config_is_one_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.py does not exist'):
        load_config(tmp_path / 'none.py')


def test_data_root_needs_a_variable_to_override(tmp_path):
    path = tmp_path / 'plain.py'
    path.write_text('model = dict()\n')
    with pytest.raises(ValueError, match=r"no top-level data_root to override with 'mine'"):
        load_config(path, {'data_root': 'mine'})


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        pytest.param('configs/medglip/ct.py', 'work_dirs/medglip/ct', id='medglip'),
        pytest.param('/r/configs/baselines/ct.py', 'work_dirs/baselines/ct', id='absolute'),
        pytest.param('configs/a/configs/b.py', 'work_dirs/b', id='innermost'),
        pytest.param('somewhere/mine.py', 'work_dirs/mine', id='outside'),
    ],
)
def test_default_work_dir_mirrors_the_config_tree(path, expected):
    assert default_work_dir(path) == expected


def test_missing_data_names_folder_loader_and_command(config_file, tmp_path):
    config = load_config(config_file, {'data_root': str(tmp_path / 'absent')})
    with pytest.raises(FileNotFoundError, match=r'absent of test_dataloader') as error:
        check_data(config, 'test_dataloader')
    assert 'python tools/make_demo_data.py' in str(error.value)
    assert 'python tools/ingest.py' in str(error.value)


def test_present_data_and_absent_loaders_pass(config_file, tmp_path):
    config = load_config(config_file, {'data_root': str(tmp_path)})
    config.val_dataloader = None
    check_data(config, 'test_dataloader', 'val_dataloader', 'no_such_dataloader')


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        pytest.param(dict(load_from='w.pth'), r'w\.pth \(load_from\).*model_converters', id='load'),
        pytest.param(
            dict(load_from='w.pth', weights_command='get-it'), r'with `get-it`', id='command'
        ),
        pytest.param(
            dict(model=dict(backbone=dict(experts=[dict(init_cfg=dict(checkpoint='e.pth'))]))),
            r'e\.pth \(init_cfg\)',
            id='nested-init',
        ),
    ],
)
def test_missing_weights_name_the_file_and_the_command(content, expected):
    with pytest.raises(FileNotFoundError, match=expected):
        check_weights(Config(content))


@pytest.mark.parametrize(
    'content',
    [
        pytest.param(dict(load_from=None), id='none'),
        pytest.param(dict(load_from='https://host/w.pth'), id='url'),
        pytest.param(dict(model=dict(init_cfg=dict(checkpoint='torchvision://resnet50'))), id='tv'),
        pytest.param(dict(model=dict(init_cfg=[dict(type='Normal')])), id='list'),
    ],
)
def test_weights_that_are_not_local_files_pass(content):
    check_weights(Config(content))


CONFIGS = sorted(
    path
    for path in (Path(__file__).resolve().parents[2] / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)


def strings(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        return [text for item in node for text in strings(item)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.name}')
def test_data_root_moves_every_path_of_every_config(path):
    before = load_config(path)
    after = load_config(path, {'data_root': 'my_store'})
    moved = strings(after._cfg_dict.to_dict())
    assert 'my_store' in moved
    assert not [text for text in moved if text.startswith(before.data_root)]
