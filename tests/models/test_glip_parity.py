"""MedGLIP with converted weights is MMDetection's GLIP: same boxes, scores, losses, gradients."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from mmengine.structures import InstanceData

from mmdet_medglip import accelerate, restore
from mmdet_medglip.models.glip_conversion import convert_glip_state_dict
from mmdet_medglip.testing.glip_pair import (
    GlipPair,
    apart,
    build_glip_pair,
    grounding_sample,
    write_random_bert,
)

SCORE_TOLERANCE, BOX_TOLERANCE = 1e-4, 1e-2
SCALE = 0.5
PROMPTS = [
    ['pneumonia', 'nodule', 'fracture'],
    ['left kidney', 'right kidney', 'inferior vena cava', 'liver'],
    ['polyp'],
]


@pytest.fixture(scope='module')
def build_pair(tmp_path_factory: pytest.TempPathFactory, repo_root: Path):
    """Factory of MMDetection's GLIP-T with random weights and ours with the same ones."""
    bert = write_random_bert(tmp_path_factory.mktemp('bert_768'), num_layers=2)

    def build(fused: bool, num_blocks: int) -> GlipPair:
        return build_glip_pair(repo_root / 'configs', bert, fused, num_blocks)

    return build


@pytest.fixture(scope='module', params=[True, False], ids=['kind-B-fused', 'kind-A-not-fused'])
def pair(request: pytest.FixtureRequest, build_pair) -> GlipPair:
    """The two models at GLIP-T's size."""
    return build_pair(request.param, 6)


def _close(ours: InstanceData, theirs: InstanceData) -> None:
    assert len(ours) == len(theirs) > 20
    difference = apart(ours, theirs)
    assert difference.score <= SCORE_TOLERANCE
    assert difference.box_px <= BOX_TOLERANCE
    assert difference.compared > 0.8


@pytest.mark.parametrize(
    ('sizes', 'prompts'),
    [
        pytest.param([(96, 128)], PROMPTS[:1], id='batch-1'),
        pytest.param([(128, 96)], PROMPTS[1:2], id='batch-1-long-phrases'),
        pytest.param([(96, 128)] * 2, [PROMPTS[0]] * 2, id='batch-2-one-prompt'),
        pytest.param([(64, 128), (118, 64), (96, 96)], PROMPTS, id='batch-3-padded-sizes'),
    ],
)
def test_predictions_equal_mmdet(pair, sizes, prompts) -> None:
    torch.manual_seed(3)
    images = [torch.randint(0, 255, (3, *size), dtype=torch.uint8) for size in sizes]

    def predict(net: torch.nn.Module, rows: Sequence[int] = range(len(sizes))) -> list:
        samples = [grounding_sample(prompts[row], sizes[row], SCALE) for row in rows]
        with torch.no_grad():
            inputs = [images[row] for row in rows]
            found = net.eval().test_step(dict(inputs=inputs, data_samples=samples))
        return [sample.pred_instances for sample in found]

    expected, ours = predict(pair.stock), predict(pair.ours)
    # MMDetection's looks at what pads an image beside larger ones; ours answers it as alone.
    alone = [predict(pair.stock, [row])[0] for row in range(len(sizes))]
    assert accelerate(pair.stock)['BertModel'] == 1
    try:
        accelerated = predict(pair.stock)
    finally:
        restore(pair.stock)
    for theirs, own, mine, fast, prompt in zip(
        expected, alone, ours, accelerated, prompts, strict=True
    ):
        _close(mine, own)
        _close(fast, theirs)
        assert set(mine.label_names) <= set(prompt)


@pytest.mark.parametrize(
    ('fused', 'num_blocks'),
    [
        pytest.param(True, 1, id='kind-B-one-block'),
        pytest.param(False, 1, id='kind-A-one-block'),
        pytest.param(True, 6, id='kind-B', marks=pytest.mark.slow),
        pytest.param(False, 6, id='kind-A', marks=pytest.mark.slow),
    ],
)
def test_losses_and_gradients_equal_mmdet(build_pair, fused, num_blocks) -> None:
    # In double precision, since rounding grows through the deformable convolutions' gradients.
    reference, model = (net.double() for net in build_pair(fused, num_blocks))
    torch.manual_seed(4)
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    boxes = [[[5.0, 10.0, 35.0, 45.0], [25.0, 5.0, 90.0, 60.0]], []]
    labels = [[2, 0], []]

    def step(net: torch.nn.Module, shift: float) -> tuple[dict, dict]:
        """Losses and gradients; MMDetection's pipeline takes a pixel off (GTBoxSubOne_GLIP)."""
        net.train()
        net.zero_grad()
        samples = []
        for box, label in zip(boxes, labels, strict=True):
            samples.append(grounding_sample(PROMPTS[0], (64, 96), SCALE, box, label))
            samples[-1].gt_instances.bboxes[:, 2:] -= shift
        parts = net.loss(images, samples)
        sum(parts.values()).backward()
        named = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        return {name: float(value.detach()) for name, value in parts.items()}, named

    losses, gradients = step(reference, SCALE)
    expected = convert_glip_state_dict(gradients, ['ct'])
    assert len(expected) > 200
    accelerate(reference)
    fast_losses, fast_gradients = step(reference, SCALE)
    ours = step(model, 0.0)
    for found, of_one in ((fast_losses, convert_glip_state_dict(fast_gradients, ['ct'])), ours):
        assert found == pytest.approx(losses, rel=1e-5)
        assert of_one.keys() == expected.keys()
        for name, gradient in expected.items():
            scale = gradient.abs().max().clamp(min=1e-4)
            difference = (of_one[name] - gradient).abs().max() / scale
            assert difference < 1e-5, f'{name}: relative difference {difference:.1e}'


def test_conversion_serves_every_expert_and_refuses_other_checkpoints() -> None:
    weights = {'backbone.a': torch.ones(1), 'bbox_head.head.bias0': torch.ones(1)}
    converted = convert_glip_state_dict(weights, ['ct', 'mri'])
    assert set(converted) == {
        'backbone.experts.ct.a',
        'backbone.experts.mri.a',
        'bbox_head.prior_bias',
    }
    with pytest.raises(ValueError, match=r'1 of 1 keys are unknown, such as roi_head\.x'):
        convert_glip_state_dict({'roi_head.x': torch.ones(1)}, ['ct'])
