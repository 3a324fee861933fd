"""Whole stock detectors predict the same with and without their fast classes."""

import pytest
import torch
from mmengine.config import ConfigDict

from mmdet_medglip import accelerate, restore
from mmdet_medglip.testing.glip_pair import apart, grounding_sample, write_random_bert
from mmdet_medglip.testing.stock_detectors import build_stock_detector, encode_grounding_dino

PHRASES = ['left kidney', 'liver', 'aortic aneurysm']


def all_boxes(config: ConfigDict) -> None:
    config.test_cfg.update(score_thr=0.0, max_per_img=50)


@pytest.fixture(scope='module')
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_random_bert(tmp_path_factory.mktemp('bert'), num_layers=1)


@pytest.fixture
def images() -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randint(0, 255, (3, 96, 128), dtype=torch.uint8) for _ in range(2)]


@pytest.mark.parametrize(
    ('name', 'layers'),
    [
        pytest.param(
            'dyhead/atss_r50_fpn_dyhead_1x_coco', {'ModulatedDeformConv2d'}, id='atss-dyhead'
        ),
        pytest.param(
            'vfnet/vfnet_r50-mdconv-c3-c5_fpn_ms-2x_coco',
            {'DeformConv2d', 'ModulatedDeformConv2dPack'},
            id='vfnet-deformable-backbone',
        ),
    ],
)
def test_detector_predicts_the_same(name, layers, images) -> None:
    model = build_stock_detector(name, all_boxes)

    def predict() -> list:
        samples = [grounding_sample(PHRASES, tuple(image.shape[1:])) for image in images]
        with torch.no_grad():
            found = model.test_step(dict(inputs=images, data_samples=samples))
        return [sample.pred_instances for sample in found]

    before = predict()
    assert set(accelerate(model)) == layers
    fast = predict()
    restore(model)
    for stock, ours in zip(before, fast, strict=True):
        assert len(ours) == len(stock) > 20
        difference = apart(ours, stock)
        assert difference.score <= 1e-4
        assert difference.box_px <= 1e-2


def test_grounding_dino_encodes_the_same(bert, images) -> None:
    # The encoder alone: the maintained line's decoder expects another width than it is given.
    def shorten(config: ConfigDict) -> None:
        config.language_model.name = bert
        config.encoder.num_layers = 2

    model = build_stock_detector(
        'grounding_dino/grounding_dino_swin-t_pretrain_obj365_goldg_cap4m', shorten
    )
    torch.nn.init.normal_(model.level_embed)  # memory as it was found, until init_weights
    captions = ['left kidney. liver. ', 'aortic aneurysm. ']

    @torch.no_grad()
    def encode() -> list[torch.Tensor]:
        samples = [grounding_sample(PHRASES, tuple(image.shape[1:])) for image in images]
        data = model.data_preprocessor(dict(inputs=images, data_samples=samples))
        found = encode_grounding_dino(model, data['inputs'], data['data_samples'], captions)
        return [found['memory'], found['memory_text'][0]]

    before = encode()
    assert set(accelerate(model)) == {
        'BertModel',
        'BiMultiHeadAttention',
        'MultiScaleDeformableAttention',
    }
    for ours in (encode(), encode()):
        for mine, stock in zip(ours, before, strict=True):
            torch.testing.assert_close(mine, stock, rtol=1e-3, atol=1e-4)
