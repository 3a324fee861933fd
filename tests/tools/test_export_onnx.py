"""tools/export_onnx.py: what it passes on, what it checks, and what it refuses."""

import re
import sys
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mmdet_medglip.export import Detections
from mmdet_medglip.registry import MODELS
from tests.export.detectors import make_images, predict, spread
from tests.models.conftest import small_config, tiny_bert

__all__ = ['tiny_bert']

PIPELINE = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='mmdet_medglip.SamplePrompt', mode='test'),
    dict(type='PackGroundingInputs'),
]


@pytest.fixture(scope='module')
def small(tiny_bert, tmp_path_factory):
    """A small ``model``, its ``config`` and ``weights`` as files, and an ``image``."""
    DefaultScope.get_instance('export tool', scope_name='mmdet_medglip')
    folder = tmp_path_factory.mktemp('small')
    settings = small_config(tiny_bert)
    torch.manual_seed(0)
    model = spread(MODELS.build(ConfigDict(settings)))
    config = folder / 'small.py'
    Config(dict(default_scope='mmdet_medglip', model=settings, test_pipeline=PIPELINE)).dump(config)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'small.pth')
    cv2.imwrite(str(folder / 'image.png'), make_images((96, 128))[0])
    return SimpleNamespace(
        model=model,
        config=str(config),
        weights=str(folder / 'small.pth'),
        image=str(folder / 'image.png'),
        folder=folder,
    )


@pytest.fixture
def start(load_tool, monkeypatch, small, tmp_path):
    """Run the tool in this process with a stand-in for the export; give what the export got."""
    tool = load_tool('export_onnx.py')
    calls = []

    def export(model, path, phrases, modality):
        calls.append(SimpleNamespace(model=model, phrases=phrases, modality=modality))
        with open(path, 'wb') as file:
            file.write(bytes(2_000_000))
        return SimpleNamespace(modality=modality, phrases=tuple(phrases), max_detections=100)

    def run(*arguments, config=small.config, weights=small.weights, modality='mri', shift=0.0):
        class Detector:
            """Finds what PyTorch finds, ``shift`` pixels to the right."""

            def __init__(self, path, num_threads):
                assert num_threads == torch.get_num_threads()

            def __call__(self, images):
                last = calls[-1]
                found = predict(last.model, images, last.phrases, last.modality)
                return [Detections(f.boxes + shift, f.scores, f.labels, f.phrases) for f in found]

        monkeypatch.setattr(tool, 'export_onnx', export)
        monkeypatch.setattr(tool, 'OnnxDetector', Detector)
        monkeypatch.setattr(tool, 'PAUSE', 0.0)
        out = str(tmp_path / 'small.onnx')
        monkeypatch.setattr(
            sys,
            'argv',
            ['export_onnx.py', config, weights, out, '--modality', modality, *arguments],
        )
        tool.main()
        return calls[-1]

    return run


def test_weights_phrases_and_modality_reach_the_export(start, small, capsys):
    call = start('--phrases', 'liver', 'left kidney')
    assert call.phrases == ['liver', 'left kidney']
    assert call.modality == 'mri'
    expected = small.model.state_dict()
    for name, value in call.model.state_dict().items():
        assert torch.equal(value, expected[name]), name
    printed = capsys.readouterr().out
    assert 'small.onnx: 2.0 MB, opset 18, modality mri, 2 phrases, at most 100 boxes' in printed


def test_phrases_come_from_a_file(start, tmp_path):
    (tmp_path / 'phrases.txt').write_text('liver\n\n left kidney \nMilz größer\n', 'utf-8')
    call = start('--phrases-file', str(tmp_path / 'phrases.txt'))
    assert call.phrases == ['liver', 'left kidney', 'Milz größer']


def test_check_prints_differences_and_times(start, small, capsys):
    start('--phrases', 'liver', 'spleen', '--check', small.image, small.image)
    printed = capsys.readouterr().out
    assert re.search(r'checked +2 images: \d\d+ boxes of both, 0 of one', printed)
    assert re.search(r'scores +differ by at most 0\.0e\+00', printed)
    assert re.search(r'boxes +differ by at most 0\.0e\+00 pixels', printed)
    # The pipeline made 128 x 96 pixels to 64 x 48.
    assert re.search(r'ms, PyTorch \d+\.\d ms, ratio \d.*\(48 x 64, \d+ threads, median', printed)


@pytest.mark.parametrize(
    'shift', [pytest.param(0.75, id='pairs-apart'), pytest.param(50.0, id='no-pairs')]
)
def test_check_fails_where_boxes_differ(start, small, shift):
    with pytest.raises(SystemExit, match=r'error: .*differ by more than .* 0\.5 pixels .* 2% of'):
        start('--phrases', 'liver', '--check', small.image, shift=shift)


def test_check_needs_a_test_pipeline(start, small):
    config = small.folder / 'bare.py'
    config.write_text(f"_base_ = ['{small.config}']\ntest_pipeline = None\n")
    with pytest.raises(SystemExit, match=r'bare\.py has no test_pipeline'):
        start('--phrases', 'liver', '--check', small.image, config=str(config))


@pytest.mark.parametrize(
    ('arguments', 'inputs', 'expected'),
    [
        pytest.param(
            ['--phrases', 'liver'],
            dict(config='absent.py'),
            'absent.py does not exist',
            id='config',
        ),
        pytest.param(
            ['--phrases', 'liver'],
            dict(weights='absent.pth'),
            'no checkpoint file absent.pth',
            id='checkpoint',
        ),
        pytest.param(
            ['--phrases-file', 'absent.txt'],
            {},
            'no file absent.txt; .*a phrase on each line',
            id='phrases-file',
        ),
        pytest.param(
            ['--phrases', 'liver', '--check', 'absent.png'],
            {},
            "'absent.png' .*does not exist",
            id='image',
        ),
    ],
)
def test_missing_input_is_one_error(start, arguments, inputs, expected):
    with pytest.raises(SystemExit, match=f'error: .*{expected}'):
        start(*arguments, **inputs)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        pytest.param(dict(state_dict={}, hook=re.compile('x')), 'not allowed', id='unsafe'),
        pytest.param(
            dict(state_dict={'x.weight': torch.ones(1)}),
            'of another architecture',
            id='other-model',
        ),
    ],
)
def test_checkpoint_is_read_safely_and_must_fit(start, tmp_path, content, expected):
    torch.save(content, tmp_path / 'bad.pth')
    with pytest.raises(SystemExit, match=f'error: .*{expected}'):
        start('--phrases', 'liver', weights=str(tmp_path / 'bad.pth'))


@pytest.mark.parametrize(
    'arguments',
    [
        pytest.param([], id='neither'),
        pytest.param(['--phrases', 'liver', '--phrases-file', 'x.txt'], id='both'),
    ],
)
def test_phrases_come_from_one_place(start, arguments, capsys):
    with pytest.raises(SystemExit) as error:
        start(*arguments)
    assert error.value.code == 2
    assert '--phrases' in capsys.readouterr().err


@pytest.mark.slow
def test_default_size_from_the_command_line(load_tool, monkeypatch, repo_root, tmp_path, capsys):
    DefaultScope.get_instance('export tool', scope_name='mmdet_medglip')
    config = repo_root / 'configs' / 'medglip' / 'ct.py'
    torch.manual_seed(0)
    model = spread(MODELS.build(Config.fromfile(config).model))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'ct.pth')
    images = []
    for size in ((256, 256), (300, 200)):
        images.append(str(tmp_path / f'{size[0]}.png'))
        cv2.imwrite(images[-1], make_images(size)[0])
    arguments = [str(config), str(tmp_path / 'ct.pth'), str(tmp_path / 'ct.onnx')]
    arguments += ['--modality', 'ct', '--phrases', 'liver', 'left kidney', '--check', *images]
    monkeypatch.setattr(sys, 'argv', ['export_onnx.py', *arguments])
    load_tool('export_onnx.py').main()
    printed = capsys.readouterr().out
    assert re.search(r'checked +2 images: \d\d+ boxes of both, 0 of one', printed)
    assert re.search(r'scores +differ by at most \d\.\de-0[5-9]', printed)
