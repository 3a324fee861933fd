"""Each way to adapt: where it starts, what it trains, what it leaves, what it saves."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmdet_medglip.engine.adaptation import adapt, merge_checkpoint
from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.engine.hooks import count_parameters
from mmdet_medglip.registry import DATASETS

NEW = ['left kidney', 'aorta']
PROBE = dict(type='LinearProbe')
PROMPT = dict(type='PromptTuning', phrases=NEW)
LORA = dict(type='LoRA', rank=2)
LORA_ALL = dict(type='LoRA', rank=2, targets=['neck', 'bbox_head', 'backbone', 'language_model'])
FULL = dict(type='FullFineTuning')
WAYS = [
    pytest.param(PROBE, id='probe'),
    pytest.param(PROMPT, id='prompt'),
    pytest.param(LORA, id='lora'),
    pytest.param(LORA_ALL, id='lora-everywhere'),
    pytest.param(FULL, id='full'),
]
each_way = pytest.mark.parametrize('way', WAYS)


def load(model, path):
    return model.load_state_dict(load_checkpoint(path)['state_dict'], strict=False)


@each_way
def test_it_starts_as_the_base_bit_by_bit(way, build, base_file, ask):
    base, adapted = build(), build()
    load(base, base_file)
    adapt(adapted, way)
    assert not load(adapted, base_file).unexpected_keys
    for phrases in (NEW, ['liver', 'spleen']):
        before = ask(base, *phrases)
        assert len(before) > 10
        assert torch.equal(ask(adapted, *phrases), before)


@each_way
def test_the_rest_stays_bit_by_bit_and_what_trains_moves(way, make_runner, base_file):
    runner = make_runner(way, base_file)
    trained = {name for name, p in runner.model.named_parameters() if p.requires_grad}
    runner.train()
    base = load_checkpoint(base_file)['state_dict']
    after = runner.model.state_dict()
    renamed = {name.replace('base_layer.', '') for name in trained}
    for name, value in base.items():
        if name not in renamed:
            assert torch.equal(after[name], value), name
    moved = {n for n in renamed if n not in base or not torch.equal(after[n], base[n])}
    # the MRI expert saw no image, so it has no gradient
    idle = {name for name in renamed if name.startswith('backbone.experts.mri')}
    assert moved - idle >= {n for n in renamed - idle if 'lora_A' not in n and after[n].dim() > 1}
    assert all('lora' in name or not name.startswith('backbone.experts.mri') for name in moved)


@pytest.mark.parametrize(
    ('way', 'expected'),
    [
        pytest.param(PROBE, {'bbox_head'}, id='probe'),
        pytest.param(PROMPT, {'language_model'}, id='prompt'),
        pytest.param(LORA, {'neck', 'bbox_head'}, id='lora'),
        pytest.param(FULL, {'backbone', 'neck', 'bbox_head'}, id='full'),
        pytest.param(
            PROBE | dict(trained=['bbox_head', r'backbone\.experts\.mri']),
            {'backbone', 'bbox_head'},
            id='probe-and-expert',
        ),
    ],
)
def test_parts_that_train(way, expected, build):
    model = build()
    adapt(model, way)
    assert {n.split('.')[0] for n, p in model.named_parameters() if p.requires_grad} == expected


def test_numbers_of_trainable_parameters(build):
    # four tokens ('left', 'kidney', 'ao', '##rta') of 48 channels
    model = build()
    adapt(model, PROMPT)
    assert count_parameters(model)[-1][2] == 4 * 48
    # rank times the sum of both sides, of the head's projection and its two convolutions
    model = build()
    adapt(model, LORA | dict(targets=['bbox_head']))
    assert count_parameters(model)[-1][2] == 2 * ((48 + 32) + (32 + 4) + (32 + 1))


def test_a_probe_of_a_medglip_trains_the_linear_layers_of_its_head(build):
    model = build()
    adapt(model, PROBE)
    names = {n.split('.')[1] for n, p in model.named_parameters() if p.requires_grad}
    assert names == {
        'bbox_pred',
        'centerness',
        'text_projection',
        'log_scale',
        'text_bias',
        'prior_bias',
        'scales',
    }


def test_prompts_without_a_tuned_phrase_are_answered_as_before(make_runner, base_file, build, ask):
    runner = make_runner(PROMPT, base_file)
    runner.train()
    base = build()
    load(base, base_file)
    assert torch.equal(ask(runner.model, 'liver', 'spleen'), ask(base, 'liver', 'spleen'))
    assert not torch.equal(ask(runner.model, *NEW), ask(base, *NEW))


def test_every_update_of_lora_gets_a_gradient(make_runner, base_file):
    runner = make_runner(LORA, base_file)
    runner.train()
    updates = {n: p for n, p in runner.model.named_parameters() if 'lora_B' in n}
    # the fusion reads the weights of its layers rather than call them
    assert any('fusion' in name for name in updates)
    assert not [name for name, p in updates.items() if not p.abs().sum() > 0]


@pytest.mark.parametrize('way', [LORA, LORA_ALL], ids=['neck-and-head', 'everywhere'])
def test_merged_lora_answers_as_before_and_has_the_keys_of_the_base(way, build, base_file, raw):
    model = build()
    adaptation = adapt(model, way)
    load(model, base_file)
    torch.manual_seed(2)
    for name, parameter in model.named_parameters():
        if 'lora_B' in name:
            nn.init.normal_(parameter, std=0.02)
    before = raw(model)
    adaptation.merge(model)
    assert set(model.state_dict()) == set(build().state_dict())
    assert (raw(model) - before).abs().max() < 1e-4
    plain = build()
    load(plain, base_file)
    assert (raw(plain) - before).abs().max() > 1e-2


def test_a_layer_that_two_experts_share_has_one_update(settings, build, ask):
    settings['backbone']['shared_stages'] = ('conv1', 'layer1')
    model = build()
    before = ask(model, *NEW, modality='mri')
    adaptation = adapt(model, LORA | dict(targets=['backbone']))
    experts = model.backbone.experts
    assert experts['ct'].conv1 is experts['mri'].conv1
    assert 'lora_A' in dict(experts['mri'].conv1.named_children())
    assert experts['ct'].layer1[0].conv1 is experts['mri'].layer1[0].conv1
    assert torch.equal(ask(model, *NEW, modality='mri'), before)
    adaptation.merge(model)
    assert type(experts['mri'].conv1) is nn.Conv2d
    assert experts['ct'].conv1 is experts['mri'].conv1


@pytest.mark.parametrize('save', ['all', 'adapted'])
@each_way
def test_a_checkpoint_comes_back(way, save, make_runner, base_file, ask):
    runner = make_runner(way | dict(save=save), base_file)
    runner.train()
    file = Path(runner.work_dir, 'epoch_2.pth')
    written = load_checkpoint(file)
    full = set(load_checkpoint(base_file)['state_dict'])
    if save == 'all':
        assert full <= set(written['state_dict'])
    elif way is not FULL:
        trained = {n for n, p in runner.model.named_parameters() if p.requires_grad}
        assert set(written['state_dict']) == trained
        assert written['meta']['adapted_from']['file'] == base_file
    again = make_runner(way | dict(save=save), str(file))
    again.load_or_resume()
    for phrases in (NEW, ['liver']):
        assert torch.equal(ask(again.model, *phrases), ask(runner.model, *phrases))


def test_a_resumed_training_ends_where_an_unbroken_one_does(settings, make_runner, base_file):
    settings['neck']['text_layer'].update(hidden_dropout_prob=0, attention_probs_dropout_prob=0)
    settings['neck']['fusion'].update(dropout=0.0, drop_path=0.0)
    way = LORA | dict(save='adapted')
    whole = make_runner(way, base_file)
    whole.train()
    first = Path(whole.work_dir, 'epoch_1.pth')
    second = make_runner(way, str(first), resume=True)
    second.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name
    again = load_checkpoint(Path(second.work_dir, 'epoch_2.pth'))
    assert (
        again['meta']['adapted_from']
        == (load_checkpoint(Path(whole.work_dir, 'epoch_2.pth'))['meta']['adapted_from'])
    )


def test_a_merged_checkpoint_is_one_of_the_base(settings, make_runner, base_file, build, raw):
    way = LORA | dict(save='adapted')
    runner = make_runner(way, base_file)
    runner.train()
    config = Config(dict(model=settings, adaptation=way))
    weights = merge_checkpoint(config, Path(runner.work_dir, 'epoch_2.pth'))
    plain = build()
    plain.load_state_dict(weights)
    assert (raw(plain) - raw(runner.model)).abs().max() < 1e-4


def test_a_plain_model_takes_tuned_phrases_over(make_runner, base_file, build, ask):
    runner = make_runner(PROMPT, base_file)
    runner.train()
    plain = make_runner(None, str(Path(runner.work_dir, 'epoch_2.pth')))
    plain.load_or_resume()
    assert torch.equal(ask(plain.model, *NEW), ask(runner.model, *NEW))


def test_updates_of_lora_are_not_lost_on_a_plain_model(make_runner, base_file):
    runner = make_runner(LORA, base_file)
    runner.train()
    plain = make_runner(None, str(Path(runner.work_dir, 'epoch_2.pth')))
    with pytest.raises(ValueError, match=r'was adapted by LoRA .* merge it first'):
        plain.load_or_resume()


def test_another_base_is_refused(make_runner, base_file, tmp_path, build):
    runner = make_runner(PROBE | dict(save='adapted'), base_file)
    runner.train()
    file = str(Path(runner.work_dir, 'epoch_2.pth'))
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict=build().state_dict()), other)
    with pytest.raises(ValueError, match=r'was adapted from other weights .* than .*other\.pth'):
        make_runner(PROBE | dict(base=str(other)), file).load_or_resume()
    moved = tmp_path / 'moved.pth'
    Path(base_file).rename(moved)
    with pytest.raises(FileNotFoundError, match=r'base\.pth does not exist; .*adaptation\.base'):
        make_runner(PROBE, file).load_or_resume()
    make_runner(PROBE | dict(base=str(moved)), file).load_or_resume()


@pytest.mark.parametrize(
    ('way', 'message'),
    [
        pytest.param(PROBE | dict(trained=['roi_head']), "'roi_head' matches no par", id='trained'),
        pytest.param(LORA | dict(targets=['roi_head']), "'roi_head' names no linear", id='targets'),
        pytest.param(LORA | dict(rank=0), 'rank must be a positive integer, got 0', id='rank'),
        pytest.param(
            PROBE | dict(save='some'), "must be 'all' or 'adapted', got 'some'", id='save'
        ),
    ],
)
def test_bad_entries_are_named(way, message, build):
    with pytest.raises(ValueError, match=message):
        adapt(build(), way)


def test_prompt_tuning_needs_our_text_encoder():
    with pytest.raises(ValueError, match='language_model is a TextEncoder, got Linear'):
        adapt(nn.Linear(2, 2), PROMPT)


def test_a_stock_detector_is_adapted_too():
    model = nn.ModuleDict(
        dict(
            backbone=nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, groups=2)),
            bbox_head=nn.Conv2d(4, 2, 1),
        )
    )
    adapt(model, LORA | dict(targets=['backbone'], trained=['bbox_head']))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {
        'backbone.0.lora_A.default.weight',
        'backbone.0.lora_B.default.weight',
        'bbox_head.weight',
        'bbox_head.bias',
    }


def test_a_way_that_trains_nothing_is_an_error(make_runner, base_file):
    runner = make_runner(dict(type='PromptTuning', phrases=[]), base_file)
    with pytest.raises(ValueError, match='PromptTuning leaves nothing to train'):
        runner.train()


def test_adapted_weights_alone_need_a_base(make_runner):
    with pytest.raises(ValueError, match=r'needs a base: name its checkpoint in load_from'):
        make_runner(PROBE | dict(save='adapted')).train()


def test_the_entry_is_needed(make_runner):
    with pytest.raises(ValueError, match='the config has no entry adaptation'):
        make_runner({})


def test_phrases_come_from_the_training_data(make_runner, monkeypatch):
    asked = []
    named = SimpleNamespace(metainfo=dict(class_names=('aorta',)))
    monkeypatch.setattr(DATASETS, 'build', lambda entry: asked.append(entry) or named)
    loader = dict(dataset=dict(type='Any', datasets=[dict(type='New', pipeline=[1]), dict()]))
    runner = make_runner(dict(type='PromptTuning', phrases=['liver']))
    runner.cfg.train_dataloader = loader
    assert runner._new_phrases() == ('aorta',)
    assert asked == [dict(type='New', pipeline=[])]
    monkeypatch.undo()
    missing = dict(type='MedGroundingDataset', data_root='absent')
    runner.cfg.train_dataloader = dict(dataset=missing)
    assert runner._new_phrases() == ()
