import subprocess
import sys

import numpy as np
import pytest

from mmdet_medglip.export import FileInfo, OnnxDetector

INFO = FileInfo(('liver',), 'ct', 'liver', '0.1.0', (0.0,) * 3, (1.0,) * 3, 32, 2, 0.05, 0.6)


def test_neither_torch_nor_onnx_is_imported_to_run_a_file(detector_file, repo_root):
    path = detector_file(INFO.to_properties())
    script = (
        'import sys, numpy\n'
        'from mmdet_medglip.export import OnnxDetector\n'
        "assert 'onnxruntime' not in sys.modules\n"
        f'found = OnnxDetector({str(path)!r})([numpy.zeros((8, 8, 3), numpy.uint8)])\n'
        "heavy = {'torch', 'mmcv', 'mmdet', 'mmengine', 'onnx', 'onnxscript'}\n"
        'print(len(found), len(found[0]), sorted(heavy & set(sys.modules)))\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', script], cwd=repo_root, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == '1 0 []'


def test_missing_runtime_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match='pip install onnxruntime'):
        OnnxDetector('detector.onnx')


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no exported file .*absent\.onnx'):
        OnnxDetector(tmp_path / 'absent.onnx')


def test_what_is_no_onnx_file_is_named(tmp_path):
    path = tmp_path / 'weights.onnx'
    path.write_bytes(b'no graph')
    with pytest.raises(ValueError, match=r'weights\.onnx is not an exported detector'):
        OnnxDetector(path)


def test_onnx_file_of_another_program_is_named(detector_file):
    path = detector_file(dict(modality='ct'))
    with pytest.raises(ValueError, match=r'nothing\.onnx .* metadata lack phrases, text, version'):
        OnnxDetector(path)


@pytest.mark.parametrize(
    'images', [pytest.param([], id='list'), pytest.param(np.zeros((0, 8, 8, 3)), id='array')]
)
def test_no_image_gives_no_result(detector_file, images):
    assert OnnxDetector(detector_file(INFO.to_properties()))(images) == []


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        pytest.param(np.zeros((8, 8)), r'images\[1\] has shape \(8, 8\)', id='grey'),
        pytest.param(np.zeros((3, 8, 8)), r'shape \(3, 8, 8\)', id='channels-first'),
        pytest.param(np.zeros((0, 8, 3)), r'shape \(0, 8, 3\)', id='empty'),
        pytest.param(np.full((8, 8, 3), 'a'), 'type <U1; expected .* numbers', id='text'),
    ],
)
def test_wrong_image_is_named(detector_file, image, message):
    detector = OnnxDetector(detector_file(INFO.to_properties()))
    with pytest.raises(ValueError, match=message):
        detector([np.zeros((8, 8, 3)), image])
