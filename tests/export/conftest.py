"""A small detector, exported once, and what PyTorch finds with it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmdet_medglip.export import OnnxDetector
from mmdet_medglip.registry import MODELS
from tests.export.detectors import PHRASES, spread
from tests.models.conftest import small_config, tiny_bert

__all__ = ['tiny_bert']

_STRIDES = [8, 16, 32]
"""Three levels of the pyramid, from three stages; the slow test has the default size."""
_EXPERT = dict(
    type='ResNet',
    depth=18,
    base_channels=8,
    num_stages=3,
    strides=(2, 2, 2),
    dilations=(1, 1, 1),
    out_indices=(0, 1, 2),
)


@pytest.fixture(scope='session', autouse=True)
def scope() -> None:
    """Resolve types as our configs do."""
    DefaultScope.get_instance('export tests', scope_name='mmdet_medglip')


@pytest.fixture(scope='session')
def build(tiny_bert: str) -> Callable[..., nn.Module]:
    """Factory of small detectors for CT and MR; ``section__key`` changes the config."""

    def make(**changes: object) -> nn.Module:
        config = small_config(tiny_bert)
        config['backbone']['experts'] = dict(ct=_EXPERT, mri=_EXPERT)
        config['neck'].update(in_channels=[8, 16, 32], num_outs=len(_STRIDES))
        config['bbox_head']['anchor_generator']['strides'] = _STRIDES
        for name, value in changes.items():
            section, _, key = name.partition('__')
            config[section][key] = value
        torch.manual_seed(0)
        return spread(MODELS.build(ConfigDict(config)))

    return make


@pytest.fixture(scope='session')
def exported(
    build: Callable[..., nn.Module], tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """The ``model``, the ``path`` it is exported to for MR, its ``info`` and a ``detector``."""
    from mmdet_medglip.export.onnx_export import export_onnx

    model = build(test_cfg__max_per_img=60)
    path = tmp_path_factory.mktemp('onnx') / 'new' / 'detector.onnx'
    info = export_onnx(model, path, PHRASES, 'mri')
    detector = OnnxDetector(path, num_threads=1)
    return SimpleNamespace(model=model, path=path, info=info, detector=detector)


@pytest.fixture
def detector_file(tmp_path):
    """Factory of ONNX files that detect nothing, with metadata of one's own."""
    import onnx
    from onnx import TensorProto, helper

    def write(properties: dict[str, str]):
        nothing = [
            ('boxes', TensorProto.FLOAT, np.zeros((1, 2, 4), np.float32)),
            ('scores', TensorProto.FLOAT, np.zeros((1, 2), np.float32)),
            ('labels', TensorProto.INT64, np.full((1, 2), -1)),
        ]
        graph = helper.make_graph(
            [
                helper.make_node('Constant', [], [name], value=onnx.numpy_helper.from_array(value))
                for name, _, value in nothing
            ],
            'nothing',
            [
                helper.make_tensor_value_info('images', TensorProto.FLOAT, ['B', 3, 'H', 'W']),
                helper.make_tensor_value_info('sizes', TensorProto.INT64, ['B', 2]),
            ],
            [helper.make_tensor_value_info(n, kind, value.shape) for n, kind, value in nothing],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)
        helper.set_model_props(model, properties)
        path = tmp_path / 'nothing.onnx'
        onnx.save(model, path)
        return path

    return write
