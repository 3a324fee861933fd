import pytest
from mmengine.config import Config

from mmdet_medglip.engine.config import check_data, load_config
from mmdet_medglip.engine.tasks import expand_tasks

NEW = dict(data_root='new', labels=['aorta'], shots=5, shot_seed=1)
OLD = dict(data_root='old')


def config(**changes):
    loader = dict(batch_size=8, dataset=dict(type='D', data_root='d', split='train', pipeline=[1]))
    train = dict(loader, batch_sampler=dict(type='S', num_batches=4))
    content = dict(
        tasks=dict(new=NEW, old=OLD),
        train_dataloader=train,
        val_dataloader=dict(loader, dataset=dict(loader['dataset'], split='val')),
        test_dataloader=dict(loader, dataset=dict(loader['dataset'], split='test')),
        test_cfg=dict(type='TestLoop', fp16=True),
    )
    return Config(content | changes)


def test_the_new_task_is_trained_and_validated_and_each_task_is_tested():
    found = config()
    expand_tasks(found)
    assert found.train_dataloader.to_dict() == dict(
        batch_size=8,
        batch_sampler=dict(type='S', num_batches=4),
        dataset=dict(type='D', split='train', pipeline=[1], **NEW),
    )
    lasting = dict(data_root='new', labels=['aorta'])
    assert found.val_dataloader.dataset.to_dict() == dict(
        type='D', split='val', pipeline=[1], **lasting
    )
    assert found.test_cfg.to_dict() == dict(
        type='MultiTaskTestLoop', fp16=True, tasks=dict(new=lasting, old=OLD)
    )
    assert 'tasks' not in found


@pytest.mark.parametrize(
    ('replay', 'ratio'), [(1, [1, 0.5, 0.5]), (0.5, [1, 0.25, 0.25]), (4, [1, 2, 2])]
)
def test_replay_adds_the_old_tasks_in_equal_shares_without_shots(replay, ratio):
    older = dict(data_root='older', shots=3)
    found = config(tasks=dict(new=NEW, old=OLD, older=older), replay=replay)
    expand_tasks(found)
    loader = found.train_dataloader
    assert loader.batch_sampler.dataset_ratio == ratio
    assert loader.batch_sampler.num_batches == 4
    assert loader.dataset.type == 'ConcatDataset'
    template = dict(type='D', split='train', pipeline=[1])
    assert [d.to_dict() for d in loader.dataset.datasets] == [
        dict(template, **NEW),
        dict(template, **OLD),
        dict(template, data_root='older'),
    ]


def test_a_config_without_tasks_stays():
    plain = Config(dict(replay=1, test_cfg=dict(type='TestLoop')))
    expand_tasks(plain)
    assert plain.to_dict() == dict(replay=1, test_cfg=dict(type='TestLoop'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param(dict(tasks={}), 'tasks must map names', id='none'),
        pytest.param(dict(tasks=dict(new='store')), 'tasks must map names', id='no-dict'),
        pytest.param(dict(replay=-1), r'replay must be 0 or.*got -1 with 1 old', id='negative'),
        pytest.param(dict(replay='yes'), r"replay must be 0 or.*got 'yes'", id='word'),
        pytest.param(
            dict(tasks=dict(new=NEW), replay=1), r'got 1 with 0 old tasks', id='nothing-old'
        ),
    ],
)
def test_bad_entries_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        expand_tasks(config(**changes))


def test_options_reach_the_tasks_and_a_dump_is_read_as_it_is(repo_root, tmp_path):
    path = repo_root / 'configs' / 'adapt' / 'lora.py'
    options = {
        'tasks.new.data_root': 'mine',
        'tasks.new.shots': 3,
        'data_root': 'kept',
        'replay': 2,
    }
    found = load_config(path, options)
    new, old = found.train_dataloader.dataset.datasets
    assert (new.data_root, new.shots, old.data_root) == ('mine', 3, 'kept')
    assert found.train_dataloader.batch_sampler.dataset_ratio == [1.0, 2.0]
    assert found.test_cfg.tasks.old.data_root == 'kept'
    found.dump(str(tmp_path / 'dumped.py'))
    again = load_config(tmp_path / 'dumped.py')
    assert again.train_dataloader.to_dict() == found.train_dataloader.to_dict()


def test_missing_data_of_an_old_task_is_one_error(repo_root, tmp_path):
    options = {'tasks.new.data_root': str(tmp_path), 'tasks.old.data_root': 'absent'}
    found = load_config(repo_root / 'configs' / 'adapt' / 'full.py', options)
    check_data(found, 'train_dataloader', 'val_dataloader')
    with pytest.raises(FileNotFoundError, match='absent of test_cfg does not exist'):
        check_data(found, 'test_cfg')
