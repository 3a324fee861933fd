from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmdet_medglip.engine import num_classes
from mmdet_medglip.engine.num_classes import fill_num_classes


def config(dataset, **model):
    return Config(
        dict(model=model or dict(head=dict(num_classes='auto')), train_dataloader=dataset)
    )


@pytest.fixture
def opened(monkeypatch):
    """Data sets of three labels, not opened; what was asked for is kept."""
    asked = []

    def build(settings):
        asked.append(settings)
        return SimpleNamespace(metainfo={'classes': settings.get('labels', ('a', 'b', 'c'))})

    monkeypatch.setattr(num_classes.DATASETS, 'build', build)
    return asked


OURS = dict(type='mmdet_medglip.MedGroundingDataset', data_root='.', pipeline=[dict(type='Load')])


@pytest.mark.parametrize(
    'loader',
    [
        pytest.param(dict(dataset=OURS), id='plain'),
        pytest.param(
            dict(dataset=dict(type='ConcatDataset', datasets=[OURS, dict(OURS, data_root='/x')])),
            id='first-of-a-wrapper',
        ),
    ],
)
def test_every_head_gets_the_number_of_labels(loader, opened):
    found = config(
        loader,
        head=dict(num_classes='auto'),
        roi_head=dict(bbox_head=[dict(num_classes='auto'), dict(num_classes=7)]),
    )
    fill_num_classes(found)
    assert found.model.head.num_classes == 3
    assert [head.num_classes for head in found.model.roi_head.bbox_head] == [3, 7]
    # Images are not read to count.
    assert [settings['pipeline'] for settings in opened] == [[]]


def test_a_model_that_says_its_number_opens_nothing(opened):
    found = config(dict(dataset=OURS), head=dict(num_classes=80))
    fill_num_classes(found)
    assert found.model.head.num_classes == 80
    assert not opened


def test_missing_data_are_left_to_the_check_of_the_data(opened, tmp_path):
    found = config(dict(dataset=dict(OURS, data_root=str(tmp_path / 'none'))))
    fill_num_classes(found)
    assert found.model.head.num_classes == 'auto'


@pytest.mark.parametrize(
    ('loader', 'message'),
    [
        pytest.param(dict(dataset=dict(type='CocoDataset')), 'write the number', id='foreign'),
        pytest.param(None, 'write the number', id='no-training-data'),
        pytest.param(dict(dataset=dict(OURS, labels=())), 'have no labels', id='captions-alone'),
    ],
)
def test_nothing_to_count_is_an_error(loader, message, opened):
    with pytest.raises(ValueError, match=message):
        fill_num_classes(config(loader))
