"""Routing: each image by the expert of its modality, the others untouched."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.runner.checkpoint import load_state_dict

from mmdet_medglip.models.backbones import ModalityRouter
from mmdet_medglip.registry import MODELS

RESNET = dict(
    type='ResNet',
    depth=18,
    base_channels=8,
    out_indices=(1, 2),
    norm_cfg=dict(type='GN', num_groups=4),
    norm_eval=False,
)


def build(*names: str, **changes: object) -> ModalityRouter:
    torch.manual_seed(0)
    names = names or ('ct', 'mri', 'xray')
    return ModalityRouter({name: RESNET for name in names}, **changes).eval()


@pytest.fixture(scope='module')
def images() -> torch.Tensor:
    return torch.randn(5, 3, 32, 48, generator=torch.manual_seed(1))


@pytest.mark.parametrize(
    'modalities',
    [
        pytest.param(['ct'] * 5, id='one-modality'),
        pytest.param(['ct', 'ct', 'mri', 'mri', 'xray'], id='sorted'),
        pytest.param(['mri', 'ct', 'xray', 'ct', 'mri'], id='interleaved'),
        pytest.param(['xray', 'mri', 'mri', 'ct', 'xray'], id='last-expert-first'),
    ],
)
@torch.no_grad()
def test_each_image_is_encoded_as_if_alone(images, modalities):
    router = build()
    maps = router(images, modalities)
    assert [tuple(m.shape) for m in maps] == [(5, 16, 4, 6), (5, 32, 2, 3)]
    for row, modality in enumerate(modalities):
        alone = router.experts[modality](images[row : row + 1])
        for level, expected in zip(maps, alone, strict=True):
            torch.testing.assert_close(level[row : row + 1], expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_modalities_have_their_own_weights(images):
    router = build()
    assert not torch.allclose(router(images[:1], ['ct'])[0], router(images[:1], ['mri'])[0])


@pytest.mark.parametrize(
    ('batch', 'touched'),
    [
        pytest.param(['ct'] * 4, {'ct'}, id='ct-batch'),
        pytest.param(['ct', 'mri', 'ct', 'mri'], {'ct', 'mri'}, id='mixed-batch'),
    ],
)
def test_steps_leave_other_experts_bit_identical(images, batch, touched):
    router = build().train()
    optimizer = torch.optim.AdamW(router.parameters(), lr=1e-2, weight_decay=0.1)
    router(images[:3], ['ct', 'mri', 'xray'])[1].sum().backward()
    optimizer.step()  # every expert has moments now; without gradient they must not act
    before = copy.deepcopy(router.state_dict())
    for _ in range(2):
        optimizer.zero_grad()
        sum(m.square().mean() for m in router(images[:4], batch)).backward()
        optimizer.step()
    changed = {
        key.split('.')[1]
        for key, value in router.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed == touched


@pytest.mark.parametrize(
    ('modality', 'message'),
    [
        pytest.param('mir', r"'mir' .* Known: ct, mri, xray\. Did you mean 'mri'\?", id='near'),
        pytest.param('pathology', r"'pathology' .* Known: ct, mri, xray\. Add an expert", id='far'),
        pytest.param(None, r'modality None \(metainfo field modality\)', id='unstated'),
    ],
)
def test_unknown_modality_is_an_error_that_names_the_known(images, modality, message):
    with pytest.raises(ValueError, match=message):
        build()(images[:2], ['ct', modality])


@pytest.mark.parametrize('modality', ['pathology', None], ids=str)
@torch.no_grad()
def test_fallback_serves_unknown_modalities(images, modality):
    router = build(unknown='xray')
    maps = router(images[:2], [modality, 'ct'])
    torch.testing.assert_close(maps[0][:1], router(images[:1], ['xray'])[0], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_route_sends_a_modality_to_a_named_expert(images):
    router = build(routes={'pet': 'ct', 'mri': 'xray'})
    assert [router.expert_of(m) for m in ('pet', 'ct', 'mri')] == ['ct', 'ct', 'xray']
    assert torch.equal(router(images, ['pet'] * 5)[0], router(images, ['ct'] * 5)[0])


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'experts': {}}, 'experts is empty', id='no-expert'),
        pytest.param({'only': []}, 'only is empty', id='only-none'),
        pytest.param({'only': ['pet']}, "only names 'pet'.*experts: ct, mri", id='only-unknown'),
        pytest.param({'routes': {'pet': 'xray'}}, "routes names 'xray'", id='route-unknown'),
        pytest.param({'unknown': 'xray'}, "unknown names 'xray'", id='fallback-unknown'),
        pytest.param({'unknown': ''}, "unknown names ''", id='fallback-empty'),
        pytest.param(
            {'unknown': 'mri', 'only': ['ct']}, "unknown names 'mri'", id='fallback-not-built'
        ),
        pytest.param(
            {'shared_stages': ['layer9']}, "'layer9' is not in expert 'mri'.*layer1", id='no-stage'
        ),
        pytest.param(
            {'shared_stages': ['layer1'], 'experts': {'ct': RESNET, 'mri': RESNET | {'depth': 34}}},
            "'layer1' of expert 'mri' has another architecture",
            id='stage-differs',
        ),
    ],
)
def test_arguments_that_name_nothing_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ModalityRouter(**({'experts': {'ct': RESNET, 'mri': RESNET}} | changes))


@pytest.mark.parametrize(
    ('count', 'modalities'),
    [
        pytest.param(2, ['ct'], id='too-few'),
        pytest.param(1, ['ct', 'ct'], id='too-many'),
        pytest.param(1, [], id='empty'),
    ],
)
def test_one_modality_for_each_image(images, count, modalities):
    with pytest.raises(ValueError, match=f'{count} images but {len(modalities)} modalities'):
        build()(images[:count], modalities)


def test_experts_must_agree_in_shape(images):
    router = ModalityRouter({'ct': RESNET, 'mri': RESNET | {'base_channels': 16}})
    with pytest.raises(ValueError, match=r"'ct': \[\(16, 4, 6\), .*'mri': \[\(32, 4, 6\)"):
        router(images[:2], ['ct', 'mri'])


@pytest.mark.parametrize('load', ['torch', 'mmengine'])
@torch.no_grad()
def test_only_holds_one_expert_and_passes_over_the_others(images, load):
    full, alone = build(), build(only=['mri'], routes={'pet': 'mri', 'cta': 'ct'})
    assert list(alone.experts) == ['mri']
    assert alone.routes == {'mri': 'mri', 'pet': 'mri'}
    holder, state = torch.nn.Sequential(alone), torch.nn.Sequential(full).state_dict()
    keys = list(state)
    if load == 'torch':
        holder.load_state_dict(state, strict=True)
    else:
        load_state_dict(holder, state, strict=True)
    assert list(state) == keys, 'the given weights stay whole'
    assert torch.equal(alone(images, ['mri'] * 5)[0], full(images, ['mri'] * 5)[0])
    with pytest.raises(ValueError, match="No expert for modality 'ct'"):
        alone(images[:1], ['ct'])


def test_only_still_refuses_weights_of_no_expert():
    alone, state = build(only=['mri']), build().state_dict()
    state['experts.pathology.conv1.weight'] = torch.zeros(1)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*experts\.pathology'):
        alone.load_state_dict(state)
    del state['experts.pathology.conv1.weight'], state['experts.mri.conv1.weight']
    with pytest.raises(RuntimeError, match=r'Missing key.*experts\.mri\.conv1\.weight'):
        alone.load_state_dict(state)


@torch.no_grad()
def test_experts_come_and_go(images):
    full, router = build(), build(only=['ct'], routes={'pet': 'mri'})
    router.load_expert('mri', full.experts['mri'].state_dict())
    assert torch.equal(router(images, ['mri'] * 5)[0], full(images, ['mri'] * 5)[0])
    assert router.expert_of('pet') == 'mri', 'the route comes with its expert'
    router.unload_expert('mri')
    assert list(router.experts) == ['ct']
    for modality in ('mri', 'pet'):
        with pytest.raises(ValueError, match=f"No expert for modality '{modality}'"):
            router.expert_of(modality)


@pytest.mark.parametrize(
    ('call', 'error', 'message'),
    [
        pytest.param(
            lambda r: r.load_expert('pet'), ValueError, "load_expert names 'pet'", id='not-declared'
        ),
        pytest.param(
            lambda r: r.load_expert('ct', {'x': torch.ones(1)}),
            RuntimeError,
            'Missing key',
            id='weights-do-not-fit',
        ),
        pytest.param(
            lambda r: r.unload_expert('pet'), ValueError, "unload_expert names 'pet'", id='absent'
        ),
        pytest.param(
            lambda r: r.unload_expert('mri'), ValueError, "'mri' serves unknown", id='fallback'
        ),
    ],
)
def test_loading_errors(call, error, message):
    router = build(unknown='mri')
    with pytest.raises(error, match=message):
        call(router)
    assert list(router.experts) == ['ct', 'mri', 'xray']


def test_shared_stages_are_one_tensor_and_train_together(images):
    router = build(shared_stages=['conv1', 'layer1', 'layer2.0']).train()
    ct, mri = router.experts['ct'], router.experts['mri']
    shared = ct.layer1[0].conv1.weight
    assert shared is mri.layer1[0].conv1.weight
    assert ct.layer2[0].conv1.weight is mri.layer2[0].conv1.weight
    assert ct.layer2[1].conv1.weight is not mri.layer2[1].conv1.weight
    assert len(list(router.parameters())) < len(list(build().parameters()))

    optimizer = torch.optim.SGD(router.parameters(), lr=0.1)
    before, own = shared.clone(), mri.layer2[1].conv1.weight.clone()
    router(images[:2], ['ct', 'ct'])[0].square().mean().backward()
    optimizer.step()
    assert not torch.equal(before, mri.layer1[0].conv1.weight)
    assert torch.equal(own, mri.layer2[1].conv1.weight)


def test_mmpretrain_backbone_serves_as_expert(images):
    convnext = dict(
        type='mmpretrain.ConvNeXt',
        arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 32, 64]),
        out_indices=(1, 2),
        gap_before_final_norm=False,
    )
    router = ModalityRouter({'ct': RESNET, 'dermoscopy': convnext})
    maps = router(images[:2], ['dermoscopy', 'ct'])
    assert [tuple(m.shape) for m in maps] == [(2, 16, 4, 6), (2, 32, 2, 3)]


RETINANET = dict(
    type='mmdet.RetinaNet',
    data_preprocessor=dict(type='ModalityDataPreprocessor', pad_size_divisor=32),
    backbone=dict(type='ModalityRouter', experts={'ct': RESNET, 'mri': RESNET}),
    neck=dict(type='FPN', in_channels=[16, 32], out_channels=16, num_outs=3),
    bbox_head=dict(
        type='RetinaHead',
        num_classes=2,
        in_channels=16,
        stacked_convs=1,
        feat_channels=16,
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=1,
            ratios=[1.0],
            strides=[8, 16, 32],
        ),
    ),
    train_cfg=dict(
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(
        nms_pre=100, score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5), max_per_img=5
    ),
)


@pytest.fixture
def retinanet():
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(copy.deepcopy(RETINANET)))


def batch_of(sample, modalities):
    samples = [
        sample('', modality, [[4, 4, 30, 30]], [1], shape=(32, 48)) for modality in modalities
    ]
    inputs = [torch.full((3, 32, 48), 10 * row, dtype=torch.uint8) for row in range(len(samples))]
    return dict(inputs=inputs, data_samples=samples)


def test_stock_detector_trains_through_the_router(retinanet, sample):
    data = retinanet.data_preprocessor(batch_of(sample, ['mri', 'mri']), training=True)
    losses = retinanet(**data, mode='loss')
    sum(sum(part) for part in losses.values()).backward()
    with_gradient = {
        name.split('.')[2]
        for name, parameter in retinanet.named_parameters()
        if name.startswith('backbone.') and parameter.grad is not None
    }
    assert with_gradient == {'mri'}


@torch.no_grad()
def test_stock_detector_predicts_each_image_by_its_modality(retinanet, sample):
    retinanet.eval()
    results = retinanet.test_step(batch_of(sample, ['ct', 'mri', 'ct']))
    alone = batch_of(sample, ['ct', 'mri', 'ct'])
    alone = dict(inputs=alone['inputs'][1:2], data_samples=alone['data_samples'][1:2])
    expected = retinanet.test_step(alone)[0].pred_instances
    assert len(results[1].pred_instances) == 5
    torch.testing.assert_close(results[1].pred_instances.scores, expected.scores)
    torch.testing.assert_close(results[1].pred_instances.bboxes, expected.bboxes)


@torch.no_grad()
def test_stock_detector_names_the_unknown_modality(retinanet, sample):
    retinanet.eval()
    with pytest.raises(ValueError, match="No expert for modality 'xray'"):
        retinanet.test_step(batch_of(sample, ['xray']))
