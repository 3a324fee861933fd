"""A small MedGLIP that finds something everywhere."""

import pytest
import torch

LOOSE = dict(
    nms_pre=200,
    min_bbox_size=0,
    score_thr=0.0,
    nms=dict(type='nms', iou_threshold=0.6),
    max_per_img=50,
)


@pytest.fixture
def build(build_small):
    """The small model, its scores spread so that prompts and images tell in them."""

    def make(*modalities: str, **changes: object):
        model = build_small(*modalities, **changes)
        model.test_cfg.update(LOOSE)
        model.bbox_head.test_cfg.update(LOOSE)
        torch.manual_seed(1)
        with torch.no_grad():
            model.bbox_head.prior_bias.fill_(-1.0)
            model.bbox_head.text_bias.normal_(std=2.0)
            for parameter in model.neck.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(std=0.1)
        return model.eval()

    return make


@pytest.fixture(scope='module')
def images() -> torch.Tensor:
    return torch.randn(3, 3, 96, 96, generator=torch.manual_seed(2))
