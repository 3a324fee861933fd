"""MedGLIP with converted weights is MMDetection's GLIP: same boxes, scores, losses, gradients."""

from inspect import getsource
from pathlib import Path

import pytest
import torch
from mmdet.models.dense_heads.atss_vlfusion_head import DyConv
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData

from mmdet_medglip.models.glip_conversion import convert_glip_state_dict
from mmdet_medglip.registry import MODELS

SCORE_TOLERANCE, BOX_TOLERANCE = 1e-4, 1e-2
MMDET_UPSAMPLE = 'bilinear' if 'upsample_bilinear' in getsource(DyConv) else 'nearest'
SCALE = (0.5, 0.5)
PROMPTS = [
    ['pneumonia', 'nodule', 'fracture'],
    ['left kidney', 'right kidney', 'inferior vena cava', 'liver'],
    ['polyp'],
]


@pytest.fixture(scope='module')
def bert_768(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a BERT of GLIP's width (768), two layers, random weights."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    from mmdet_medglip.text import resolve_language_model

    folder = tmp_path_factory.mktemp('bert_768')
    AutoTokenizer.from_pretrained(resolve_language_model('bundled')).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        num_hidden_layers=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope='module')
def build_pair(bert_768: str, repo_root: Path):
    """Factory of MMDetection's GLIP-T with random weights and ours with the same ones."""
    register_all_modules(init_default_scope=False)
    configs = repo_root / 'configs'

    def build(fused: bool, num_blocks: int) -> tuple:
        stock = Config.fromfile(configs / 'baselines' / 'ct_glip-t.py').model
        stock.backbone.drop_path_rate = 0.0
        stock.bbox_head.update(
            lang_model_name=bert_768, early_fuse=fused, num_dyhead_blocks=num_blocks
        )
        ours = Config.fromfile(configs / 'medglip' / 'ct_glip-t.py').model
        ours.backbone.experts.ct.drop_path_rate = 0.0
        ours.neck.update(num_blocks=num_blocks, upsample=MMDET_UPSAMPLE)
        ours.neck.text_layer.update(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        if not fused:
            ours.neck.fusion = None
        for model in (stock, ours):
            model.language_model.name = bert_768
            model.test_cfg.score_thr = 0.0
        return _same_weights(stock, ours)

    return build


@pytest.fixture(scope='module', params=[True, False], ids=['kind-B-fused', 'kind-A-not-fused'])
def pair(request: pytest.FixtureRequest, build_pair) -> tuple:
    """The two models at GLIP-T's size."""
    return build_pair(request.param, 6)


def _same_weights(stock: ConfigDict, ours: ConfigDict) -> tuple:
    """Build both; random weights whose scores differ from place to place, and no dropout."""
    torch.manual_seed(2)
    reference = MMDET_MODELS.build(stock)
    with torch.no_grad():
        # Default scores are all alike; spread them so that the order of boxes is decided.
        reference.bbox_head.head.bias0.fill_(-2.0)
        reference.bbox_head.head.bias_lang.normal_(std=0.5)
        for block in reference.bbox_head.head.dyhead_tower:
            if hasattr(block, 'offset') and block.offset is not None:
                block.offset.weight.normal_(std=0.02)
    model = MODELS.build(ours)
    model.load_state_dict(convert_glip_state_dict(reference.state_dict(), ['ct']))
    for module in [*reference.modules(), *model.modules()]:
        if isinstance(getattr(module, 'dropout', None), float):
            module.dropout = 0.0
    return reference, model


def _close(ours: InstanceData, theirs: InstanceData) -> None:
    """Each box of one side has its twin on the other.

    Order is left out, since equal scores may swap, and so are boxes whose score is within the
    tolerance of the last kept one, since the cut at ``max_per_img`` may fall between twins.
    """
    assert len(ours) == len(theirs) > 20
    for some, others in ((ours, theirs), (theirs, ours)):
        apart = (some.bboxes[:, None] - others.bboxes[None]).abs().amax(-1)
        twin = (
            (apart <= BOX_TOLERANCE)
            & ((some.scores[:, None] - others.scores[None]).abs() <= SCORE_TOLERANCE)
            & (some.labels[:, None] == others.labels[None])
        ).any(1)
        decided = some.scores > some.scores.min() + SCORE_TOLERANCE
        assert decided.sum() > 0.8 * len(some)
        assert twin[decided].all(), some.bboxes[decided & ~twin]


@pytest.mark.parametrize(
    ('sizes', 'prompts'),
    [
        pytest.param([(128, 160)], PROMPTS[:1], id='batch-1'),
        pytest.param([(160, 128)], PROMPTS[1:2], id='batch-1-long-phrases'),
        pytest.param([(128, 160)] * 3, [PROMPTS[0]] * 3, id='batch-3-one-prompt'),
        pytest.param([(96, 160), (150, 96), (128, 128)], PROMPTS, id='batch-3-padded-sizes'),
    ],
)
def test_predictions_equal_mmdet(pair, sample, sizes, prompts) -> None:
    reference, model = pair
    torch.manual_seed(3)
    images = [torch.randint(0, 255, (3, *size), dtype=torch.uint8) for size in sizes]
    results = []
    for net in (reference, model):
        net.eval()
        samples = [
            sample('. '.join(prompt) + '.', shape=size, custom_entities=True, scale_factor=SCALE)
            for prompt, size in zip(prompts, sizes, strict=True)
        ]
        with torch.no_grad():
            results.append(net.test_step(dict(inputs=images, data_samples=samples)))
    for theirs, ours, prompt in zip(*results, prompts, strict=True):
        _close(ours.pred_instances, theirs.pred_instances)
        assert set(ours.pred_instances.label_names) <= set(prompt)


@pytest.mark.parametrize(
    ('fused', 'num_blocks'),
    [
        pytest.param(True, 1, id='kind-B-one-block'),
        pytest.param(False, 1, id='kind-A-one-block'),
        pytest.param(True, 6, id='kind-B', marks=pytest.mark.slow),
        pytest.param(False, 6, id='kind-A', marks=pytest.mark.slow),
    ],
)
def test_losses_and_gradients_equal_mmdet(build_pair, sample, fused, num_blocks) -> None:
    # In double precision, since rounding grows through the deformable convolutions' gradients.
    reference, model = (net.double() for net in build_pair(fused, num_blocks))
    torch.manual_seed(4)
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    boxes = [[[5.0, 10.0, 35.0, 45.0], [25.0, 5.0, 90.0, 60.0]], []]
    labels = [[2, 0], []]
    losses, gradients = [], []
    for net, shift in ((reference, SCALE[0]), (model, 0.0)):
        # MMDetection's pipeline takes a pixel of the original image off (GTBoxSubOne_GLIP).
        net.train()
        net.zero_grad()
        samples = []
        for box, label in zip(boxes, labels, strict=True):
            prompt = 'pneumonia. nodule. fracture.'
            one = sample(prompt, shape=(64, 96), boxes=box, labels=label, scale_factor=SCALE)
            one.gt_instances.bboxes[:, 2:] -= shift
            samples.append(one)
        parts = net.loss(images, samples)
        sum(parts.values()).backward()
        losses.append({name: float(value.detach()) for name, value in parts.items()})
        named = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        gradients.append(named if net is model else convert_glip_state_dict(named, ['ct']))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert gradients[0].keys() == gradients[1].keys()
    assert len(gradients[0]) > 200
    for name, gradient in gradients[0].items():
        scale = gradient.abs().max().clamp(min=1e-4)
        difference = (gradients[1][name] - gradient).abs().max() / scale
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
