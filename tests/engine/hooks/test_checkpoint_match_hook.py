import pytest
import torch
from torch import nn

from mmdet_medglip.engine import CheckpointMatchHook, load_checkpoint
from mmdet_medglip.engine.hooks import check_state_dict


@pytest.fixture
def model():
    return nn.ModuleDict({'backbone': nn.Linear(2, 3), 'bbox_head': nn.Linear(3, 1)})


@pytest.mark.parametrize(
    ('change', 'require', 'message'),
    [
        pytest.param(
            lambda w: {f'student.{k}': v for k, v in w.items()},
            'any',
            r'none of its 4 keys \(student\.backbone\.weight, .* and 1 more\) is one of the 4',
            id='no-key-in-common',
        ),
        pytest.param(lambda w: {}, 'any', 'none of its 0 keys', id='empty'),
        pytest.param(
            lambda w: w | {'backbone.weight': torch.ones(5, 2)},
            'any',
            r'1 of 4 common weights .*backbone\.weight \[5, 2\] instead of \[3, 2\]',
            id='another-shape',
        ),
        pytest.param(
            lambda w: {k: v for k, v in w.items() if k.startswith('bbox')},
            'modules',
            r'another architecture: it has no weight for backbone; 2 of 4',
            id='no-backbone',
        ),
        pytest.param(
            lambda w: {k: v for k, v in w.items() if k != 'bbox_head.bias'},
            'all',
            r'1 of 4 weights are missing \(bbox_head\.bias\)',
            id='incomplete',
        ),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused(model, change, require, message):
    weights = change(dict(model.state_dict()))
    with pytest.raises(ValueError, match=rf'x\.pth is .*{message}'):
        check_state_dict(model, weights, 'x.pth', require)


@pytest.mark.parametrize(
    ('change', 'require'),
    [
        pytest.param(lambda w: w, 'all', id='same'),
        pytest.param(lambda w: {f'module.{k}': v for k, v in w.items()}, 'all', id='from-ddp'),
        pytest.param(lambda w: w | {'expert.mri': torch.ones(1)}, 'all', id='more-than-needed'),
        pytest.param(
            lambda w: {k: v for k, v in w.items() if 'weight' in k}, 'modules', id='some-per-module'
        ),
        pytest.param(
            lambda w: {k: v for k, v in w.items() if 'backbone' in k}, 'any', id='one-module'
        ),
    ],
)
def test_weights_that_fit_are_accepted(model, change, require):
    check_state_dict(model, change(dict(model.state_dict())), 'x.pth', require)


def test_unknown_requirement_is_refused():
    with pytest.raises(ValueError, match=r"'auto' or one of .*got 'most'"):
        CheckpointMatchHook(require='most')


@pytest.mark.usefixtures('safe_loader')
@pytest.mark.parametrize(
    ('resume', 'keep', 'accepted'),
    [
        pytest.param(False, lambda key: 'weight' in key, True, id='fine-tune-from-part'),
        pytest.param(False, lambda key: 'backbone' in key, False, id='fine-tune-without-head'),
        pytest.param(True, lambda key: 'weight' in key, False, id='resume-needs-all'),
        pytest.param(True, lambda key: True, True, id='resume'),
    ],
)
def test_the_runner_asks_the_hook(make_runner, tmp_path, resume, keep, accepted):
    first = make_runner(max_epochs=1)
    first.train()
    checkpoint = load_checkpoint(tmp_path / 'work' / 'epoch_1.pth')
    checkpoint['state_dict'] = {k: v for k, v in checkpoint['state_dict'].items() if keep(k)}
    torch.save(checkpoint, tmp_path / 'x.pth')
    second = make_runner(
        max_epochs=2,
        load_from=str(tmp_path / 'x.pth'),
        resume=resume,
        custom_hooks=[{'type': 'CheckpointMatchHook'}],
    )
    if accepted:
        second.train()
    else:
        with pytest.raises(ValueError, match=r'x\.pth is '):
            second.train()


def test_a_test_run_needs_every_weight(make_runner, tmp_path):
    torch.save({'state_dict': {'backbone.bias': torch.ones(4)}}, tmp_path / 'x.pth')
    runner = make_runner(
        load_from=str(tmp_path / 'x.pth'), custom_hooks=[{'type': 'CheckpointMatchHook'}]
    )
    with pytest.raises(ValueError, match='3 of 4 weights are missing'):
        runner.load_or_resume()
