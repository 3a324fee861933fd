"""The exported file against PyTorch, and what cannot be exported."""

import json
import re
import shutil

import cv2
import numpy as np
import onnx
import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn

from mmdet_medglip.engine.config import load_config
from mmdet_medglip.export import FileInfo, OnnxDetector, onnx_export
from mmdet_medglip.export.onnx_export import OPSET, export_onnx
from mmdet_medglip.registry import MODELS
from mmdet_medglip.version import __version__
from tests.export.detectors import PHRASES, assert_same, make_images, predict, spread


@pytest.mark.parametrize(
    'sizes',
    [
        pytest.param([(96, 128)], id='one'),
        pytest.param([(64, 96)] * 3, id='three'),
        pytest.param([(160, 96)], id='another-size-same-file'),
        pytest.param([(101, 77), (64, 120)], id='two-sizes-in-a-batch-no-multiples'),
        pytest.param([(20, 50)], id='smaller-than-what-was-traced'),
    ],
)
def test_file_finds_what_pytorch_finds(exported, sizes):
    images = make_images(*sizes)
    found = exported.detector(images)
    assert_same(found, predict(exported.model, images, PHRASES))
    assert min(map(len, found)) > 5


def test_an_array_and_a_list_of_images_are_the_same(exported):
    images = make_images((32, 64), (32, 64))
    for one, other in zip(
        exported.detector(images), exported.detector(np.stack(images)), strict=True
    ):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.phrases == other.phrases
        assert one.phrases == tuple(exported.detector.phrases[label] for label in one.labels)


def test_no_more_boxes_than_max_per_img(exported):
    few, many = (
        exported.detector(make_images((32, 32)))[0],
        exported.detector(make_images((160, 160)))[0],
    )
    assert len(few) < len(many) == exported.info.max_detections == 60


def test_image_too_small_for_a_box_gives_none(exported):
    (found,) = exported.detector(make_images((1, 1)))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert_same([found], predict(exported.model, make_images((1, 1)), PHRASES))


def test_what_lies_beside_a_smaller_image_is_not_looked_at(exported):
    session = exported.detector._session
    images = np.full((1, 3, 96, 96), 77, np.float32)
    images[0, :, :50, :60] = make_images((50, 60))[0].transpose(2, 0, 1)
    noisy = images.copy()
    noisy[..., 60:] = np.nan
    sizes = np.array([[50, 60]])
    for one, other in zip(
        session.run(None, dict(images=images, sizes=sizes)),
        session.run(None, dict(images=noisy, sizes=sizes)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_rows_without_a_box_have_score_0_and_label_minus_1(exported):
    image = make_images((32, 64))[0]
    inputs = dict(images=image.transpose(2, 0, 1)[None].astype(np.float32), sizes=[[32, 64]])
    boxes, scores, labels = exported.detector._session.run(None, inputs)
    found = len(exported.detector([image])[0])
    assert 0 < found < 60
    assert (scores[0, :found] > 0).all()
    assert (labels[0, :found] >= 0).all()
    assert not scores[0, found:].any()
    assert (labels[0, found:] == -1).all()
    assert not boxes[0, found:].any()


def test_graph_is_valid_and_says_what_it_takes_and_gives(exported):
    model = onnx.load(exported.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [('', OPSET)]
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == dict(
        images=['batch', 3, 'height', 'width'],
        sizes=['batch', 2],
        boxes=['batch', 60, 4],
        scores=['batch', 60],
        labels=['batch', 60],
    )


def test_metadata_say_what_was_exported(exported):
    properties = {entry.key: entry.value for entry in onnx.load(exported.path).metadata_props}
    assert json.loads(properties['phrases']) == list(PHRASES)
    assert properties['modality'] == 'mri'
    assert properties['text'] == 'liver. spleen. left kidney. lesion of the right lung'
    assert properties['version'] == __version__
    assert json.loads(properties['mean']) == pytest.approx([103.53, 116.28, 123.675])
    assert json.loads(properties['size_divisor']) == 32
    assert FileInfo.from_properties(properties) == exported.info == exported.detector.info


def test_file_holds_no_path_of_the_machine(exported, repo_root):
    content = exported.path.read_bytes()
    assert not re.findall(rb'\w+/\w+\.py\b', content)
    assert str(repo_root).encode() not in content


def test_folder_holds_the_file_alone(exported):
    assert [path.name for path in exported.path.parent.iterdir()] == ['detector.onnx']


def wrong_expert(model: nn.Module) -> nn.Module:
    model.backbone.experts['mri'] = nn.Identity()
    return model


def wrong_neck(model: nn.Module) -> nn.Module:
    model.neck = model.neck.fpn
    return model


def deformable_expert(model: nn.Module) -> nn.Module:
    dcn = dict(type='DCNv2', deform_groups=1, fallback_on_stride=False)
    model.backbone.experts['mri'] = ResNet(
        50, base_channels=8, dcn=dcn, stage_with_dcn=(False, False, False, True)
    )
    return model


@pytest.mark.parametrize(
    ('changes', 'spoil', 'arguments', 'message'),
    [
        pytest.param(
            dict(neck__deformable=True),
            None,
            {},
            r'model\.neck\.deformable is on: .* no operator .*neck\.deformable=False',
            id='deformable-neck',
        ),
        pytest.param(
            {},
            deformable_expert,
            {},
            r'experts\.mri\.dcn is on: .*dcn=None',
            id='deformable-expert',
        ),
        pytest.param(
            {}, wrong_expert, {}, r'experts\.mri is of type Identity.* expected ResNet', id='expert'
        ),
        pytest.param(
            {}, wrong_neck, {}, r'model\.neck is of type FPN.* expected LanguageFusedFPN', id='neck'
        ),
        pytest.param(
            {},
            lambda model: nn.Linear(1, 1),
            {},
            'model is of type Linear.* expected MedGLIP',
            id='detector',
        ),
        pytest.param(
            {}, None, dict(modality='mr'), r"No expert for modality 'mr'.*'mri'", id='modality'
        ),
        pytest.param({}, None, dict(phrases=[]), 'Empty prompt', id='no-phrase'),
        pytest.param(
            dict(language_model__max_tokens=12),
            None,
            {},
            r'4 phrases make 2 prompts.*max_tokens=12.* files of at most 3 phrases',
            id='too-many-tokens',
        ),
        pytest.param(
            dict(language_model__max_tokens=6),
            None,
            {},
            "Phrase 'lesion of the right lung' .*limit of 6",
            id='phrase-too-long',
        ),
        pytest.param(
            dict(test_cfg__chunked_size=1),
            None,
            {},
            r'4 phrases make 4 prompts.*chunked_size=1',
            id='chunks',
        ),
        pytest.param(
            dict(test_cfg__nms=dict(type='soft_nms', iou_threshold=0.6)),
            None,
            {},
            r"test_cfg\.nms=.*soft_nms.* expected dict\(type='nms'",
            id='soft-nms',
        ),
        pytest.param(
            dict(bbox_head__presence={}, test_cfg__presence={}),
            None,
            {},
            r"presence\.mode='both' cannot be exported.*set_presence\(None\)",
            id='presence',
        ),
        pytest.param(
            dict(test_cfg__hierarchy=dict(level='class')),
            None,
            {},
            r'test_cfg\.hierarchy cannot be exported',
            id='hierarchy',
        ),
        pytest.param(
            dict(test_cfg__nms_pre=-1), None, {}, r'test_cfg\.nms_pre=-1.* 1 or more', id='nms_pre'
        ),
    ],
)
def test_what_cannot_be_exported_is_named(build, tmp_path, changes, spoil, arguments, message):
    model = build(**changes)
    model = spoil(model) if spoil else model
    arguments = dict(phrases=PHRASES, modality='mri') | arguments
    with pytest.raises(ValueError, match=message):
        export_onnx(model, tmp_path / 'detector.onnx', **arguments)
    assert not list(tmp_path.iterdir())


def test_missing_package_is_named_with_its_command(build, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'needs onnx and onnxscript; .*pip install onnx onnxs'):
        export_onnx(build(), tmp_path / 'detector.onnx', PHRASES, 'mri')


def test_a_failed_export_leaves_mode_and_folder_as_they_were(build, tmp_path, monkeypatch):
    model = build().train()

    def fail(detector):
        assert not model.training
        raise RuntimeError('no graph')

    monkeypatch.setattr(onnx_export, '_trace', fail)
    with pytest.raises(RuntimeError, match='no graph'):
        export_onnx(model, tmp_path / 'detector.onnx', PHRASES, 'mri')
    assert model.training
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_default_size_finds_what_pytorch_finds(repo_root, tmp_path):
    torch.manual_seed(0)
    config = load_config(repo_root / 'configs' / 'medglip' / 'ct.py')
    model = spread(MODELS.build(config.model))
    phrases = ['liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'kidney stone']
    export_onnx(model, tmp_path / 'ct.onnx', phrases, 'ct')
    detector = OnnxDetector(tmp_path / 'ct.onnx')
    for sizes in ([(256, 256)], [(320, 256)], [(200, 256), (256, 130)]):
        images = make_images(*sizes)
        assert_same(detector(images), predict(model, images, phrases, 'ct'))


def test_python_of_its_page_runs(exported, repo_root, tmp_path, monkeypatch, capsys):
    shutil.copy(exported.path, tmp_path / 'ct.onnx')
    image = make_images((160, 128))[0]
    cv2.imwrite(str(tmp_path / 'slice.png'), image)
    monkeypatch.chdir(tmp_path)
    page = (repo_root / 'docs' / 'export.md').read_text()
    first, second = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
    names: dict = {}
    exec(first, names)
    lines = capsys.readouterr().out.splitlines()
    (found,) = exported.detector([image])
    assert len(found) == 60
    assert [line.rpartition(' [')[0].rpartition(' ')[0] for line in lines] == list(found.phrases)
    exec(second, names)
    assert repr(found.phrases) in capsys.readouterr().out
    assert len(names['found']) > 0
