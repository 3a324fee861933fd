"""A model that knows some words, asked in others."""

import dataclasses
import math

import pytest
from mmengine.runner import Runner

from mmdet_medglip.engine.askings import ASKINGS, Asking, test_askings

from .oracle import BOXES, oracle_config, write_store


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'store'
    write_store(root)
    return root


def test_what_the_words_do(store, tmp_path):
    config = oracle_config(store, tmp_path, labels=['spleen'])
    names = ['name', 'synonym', 'description', 'class', 'shuffled']
    found = {a.asking: a for a in test_askings(Runner.from_cfg(config), config, names)}
    by_name = found['name']
    assert by_name.seen.labels == 3
    assert dataclasses.astuple(by_name.seen.ap50) == pytest.approx((1, 1, 1))
    assert by_name.unseen.labels == 1
    assert by_name.unseen.ap50.value == pytest.approx(1)
    assert found['description'].seen.ap50.value == 0
    shuffled = found['shuffled']
    assert shuffled.seen.ap50.value == shuffled.unseen.ap50.value == 0
    assert shuffled.seen.gain is None
    # One of two kidneys: precision 1 up to recall 0.5, which is 51 of 101 points.
    assert found['class'].seen.labels == 2
    assert found['class'].seen.ap50.value == pytest.approx(51 / 101 / 2)
    assert found['class'].unseen.labels == 1
    assert found['class'].unseen.ap50.value == 0


def test_what_the_right_words_gain(store, tmp_path):
    config = oracle_config(store, tmp_path, labels=['spleen'])
    names = ['name', 'description', 'class', 'shuffled', 'shuffled_class']
    found = {a.asking: a for a in test_askings(Runner.from_cfg(config), config, names)}
    assert dataclasses.astuple(found['name'].unseen.gain) == pytest.approx((1, 1, 1))
    assert dataclasses.astuple(found['description'].seen.gain) == pytest.approx((0, 0, 0))
    wrong = found['shuffled_class'].seen.ap50.value
    expected = found['class'].seen.ap50.value - wrong
    assert found['class'].seen.gain.value == pytest.approx(expected)


def test_a_class_is_parted_by_its_unseen_labels(store, tmp_path):
    """The oracle answers "kidney" with the left one, which is all of the kidney held out here."""
    config = oracle_config(store, tmp_path, labels=['left kidney'])
    (found,) = test_askings(Runner.from_cfg(config), config, ['class'])
    assert (found.unseen.labels, found.unseen.ap50.value) == (1, pytest.approx(1))
    # The right kidney is what is left of it: not found, and the left one is no false box.
    assert found.seen.labels == 3
    assert found.seen.ap50.value == 0


def test_labels_that_cannot_be_said_so_do_not_count(store, tmp_path):
    config = oracle_config(store, tmp_path)
    (found,) = test_askings(Runner.from_cfg(config), config, ['abbreviation'])
    assert set(found.unsaid) | {'kidney_left', 'kidney_right'} == set(BOXES)
    assert found.seen.labels + len(found.unsaid) == len(BOXES)
    assert found.unseen.labels == 0
    assert math.isnan(found.unseen.ap50.value)


def test_the_config_is_left_as_it_is(store, tmp_path):
    loader = oracle_config(store, tmp_path).test_dataloader
    for name in ASKINGS:
        before = str(loader)
        assert name == 'name' or str(Asking(name).of_loader(loader)) != before
        assert str(loader) == before


def test_unknown_asking_and_pipeline_without_prompt():
    with pytest.raises(ValueError, match='asking must be one of name, synonym'):
        Asking('nickname')
    with pytest.raises(ValueError, match='no SamplePrompt'):
        Asking('synonym').of_loader(dict(dataset=dict(pipeline=[dict(type='LoadMedImage')])))
