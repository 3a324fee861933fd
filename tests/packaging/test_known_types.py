import pytest

from mmdet_medglip.packaging.known_types import check_type


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        pytest.param('MedGLIP', 'model', id='ours'),
        pytest.param('mmdet_medglip.ModalityRouter', 'model', id='ours-with-scope'),
        pytest.param('ResNet', 'model', id='mmdet'),
        pytest.param('mmpretrain.ConvNeXt', 'model', id='mmpretrain'),
        pytest.param('DeltaXYWHBBoxCoder', 'model', id='task-util'),
        pytest.param('GN', 'model', id='torch-by-mmcv'),
        pytest.param('LoadMedImage', 'transform', id='our-step'),
        pytest.param('Resize', 'transform', id='their-step'),
    ],
)
def test_parts_of_detectors(name, kind):
    check_type(name, kind, 'model.part')


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        pytest.param('os.system', 'model', id='function'),
        pytest.param('torch.nn.Linear', 'model', id='dotted'),
        pytest.param('mmdet_medglip.models.detectors.MedGLIP', 'model', id='module-path'),
        pytest.param('mmseg.UNet', 'model', id='scope'),
        pytest.param('mmdet.BertModel', 'model', id='loads-by-name'),
        pytest.param('ATSSVLFusionHead', 'model', id='loads-tokenizer'),
        pytest.param('CameraMotionCompensation', 'model', id='evaluates'),
        pytest.param('mmpretrain.TIMMBackbone', 'model', id='downloads'),
        pytest.param('mmpretrain.Blip2VQA', 'model', id='multimodal'),
        pytest.param('LoadMedImage', 'model', id='step-as-model'),
        pytest.param('MedGLIP', 'transform', id='model-as-step'),
        pytest.param('', 'model', id='empty'),
        pytest.param(3, 'model', id='number'),
        pytest.param('ResNet\n', 'model', id='line-end'),
    ],
)
def test_what_is_not_built(name, kind):
    with pytest.raises(ValueError, match=r'^model.part.type is '):
        check_type(name, kind, 'model.part')


def test_suppression_is_evaluated_by_mmcv():
    check_type('soft_nms', 'model', 'model.test_cfg.nms')
    with pytest.raises(ValueError, match=r'nms\.type must be one of'):
        check_type('exit()', 'model', 'model.test_cfg.nms')
