"""A checkpoint that runs code when it is unpickled, at every door that loads weights."""

import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader

from mmdet_medglip.apis import MedGLIPInferencer
from mmdet_medglip.cli.main import main as medglip
from mmdet_medglip.datasets.transforms.route_modality import read_classifier
from mmdet_medglip.engine import use_safe_checkpoints
from mmdet_medglip.engine.adaptation.base_weights import ADAPTED_FROM, complete
from mmdet_medglip.evaluation import load_results
from mmdet_medglip.models.language_models.text_encoder import TextEncoder
from mmdet_medglip.registry import MODELS
from tests.apis.conftest import make_model, model_files, picture
from tests.packaging.conftest import copy, packed, relist

__all__ = ['copy', 'make_model', 'model_files', 'packed', 'picture']

STORE = ['--cfg-options', 'data_root=store']
REFUSED = r'bad\.pth holds \w*\.?\w+, which is not allowed in a checkpoint'


class RunsCode:
    """Makes a folder when it is unpickled in the ordinary way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def marker(tmp_path: Path):
    """A folder that code of a file would make; it must not be there afterwards."""
    path = tmp_path / 'ran'
    yield path
    assert not path.exists(), 'code of the file was run'


@pytest.fixture
def bad(tmp_path: Path, marker: Path) -> Path:
    """The checkpoint; what is refused is not at its beginning."""
    path = tmp_path / 'bad.pth'
    torch.save({'state_dict': {'w': torch.ones(2)}, 'meta': {'x': RunsCode(marker)}}, path)
    return path


def test_the_file_does_run_code(bad: Path, tmp_path: Path, marker: Path) -> None:
    """Else the tests below could not fail."""
    torch.load(bad, weights_only=False)
    assert marker.is_dir()
    marker.rmdir()


@pytest.mark.parametrize(
    'words',
    [
        pytest.param(['train.py', 'configs/toy.py', *STORE, 'load_from={}'], id='load_from'),
        pytest.param(['train.py', 'configs/toy.py', '--resume', '{}', *STORE], id='resume'),
        pytest.param(['test.py', 'configs/toy.py', '{}', *STORE], id='test'),
    ],
)
def test_programs(call: Callable, bad: Path, words: list[str]) -> None:
    done = call(*(word.format(bad) for word in words))
    assert done.returncode != 0
    assert 'which is not allowed in a checkpoint' in done.stderr + done.stdout
    assert 'bad.pth' in done.stderr + done.stdout


def test_a_run_that_goes_on_from_its_last_checkpoint(call: Callable, toy: Path, bad: Path) -> None:
    work_dir = toy / 'work_dirs' / 'toy'
    work_dir.mkdir(parents=True)
    shutil.copy(bad, work_dir / 'epoch_1.pth')
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_1.pth'))
    done = call('train.py', 'configs/toy.py', '--resume', *STORE)
    assert done.returncode != 0
    assert 'which is not allowed in a checkpoint' in done.stderr + done.stdout


@pytest.mark.usefixtures('marker')
def test_inferencer(model_files, bad: Path) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        MedGLIPInferencer(model_files[0], str(bad), device='cpu', show_progress=False)


@pytest.mark.usefixtures('marker')
@pytest.mark.parametrize('command', ['pack', 'predict'])
def test_commands(model_files, bad: Path, picture, tmp_path: Path, command: str, capsys) -> None:
    config = model_files[0]
    words = {
        'pack': ['pack', config, str(tmp_path / 'out'), '--weights', str(bad), '--licence', 'MIT'],
        'predict': ['predict', config, str(picture), '--weights', str(bad), '-p', 'liver',
                    '--modality', 'ct', '--device', 'cpu', '--num-workers', '0'],
    }[command]  # fmt: skip
    assert medglip(words) != 0
    assert 'which is not allowed in a checkpoint' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


@pytest.mark.usefixtures('marker')
@pytest.mark.parametrize('tool', ['model_converters/glip_to_medglip.py', 'export_onnx.py'])
def test_converters(load_tool: Callable, model_files, bad: Path, tmp_path: Path, tool: str,
                    monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # fmt: skip
    out = tmp_path / ('out.pth' if 'glip' in tool else 'out.onnx')
    words = [str(bad), str(out)]
    if tool == 'export_onnx.py':
        words = [model_files[0], str(bad), str(out), '--modality', 'ct', '--phrases', 'liver']
    monkeypatch.setattr('sys.argv', [tool, *words])
    with pytest.raises((SystemExit, ValueError)) as caught:
        load_tool(tool).main()
    assert 'not allowed in a checkpoint' in str(caught.value) + capsys.readouterr().err
    assert not out.exists()


def test_base_of_an_adaptation(bad: Path) -> None:
    noted = {ADAPTED_FROM: {'file': str(bad), 'digest': '0' * 64}}
    with pytest.raises(ValueError, match=REFUSED):
        complete({'state_dict': {}, 'meta': noted}, {'w': torch.ones(2)}, 'a.pth')


def test_classifier_of_modalities(bad: Path) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        read_classifier(str(bad))


def test_weights_that_a_config_names_for_a_part(bad: Path, marker: Path) -> None:
    """As an expert's, a trunk's or an adapter's ``init_cfg`` does."""
    before = CheckpointLoader._schemes.copy()
    use_safe_checkpoints()
    try:
        with DefaultScope.overwrite_default_scope('mmdet_medglip'):
            init = dict(type='Pretrained', checkpoint=str(bad))
            expert = MODELS.build(dict(type='mmdet.ResNet', depth=18, init_cfg=init))
            with pytest.raises(ValueError, match=REFUSED):
                expert.init_weights()
    finally:
        CheckpointLoader._schemes = before


def test_language_model_of_a_folder(tmp_path: Path, marker: Path) -> None:
    from transformers import BertConfig

    folder = tmp_path / 'language'
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=32, vocab_size=60)  # fmt: skip
    config.save_pretrained(folder)
    (folder / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']))
    (folder / 'tokenizer_config.json').write_text('{"tokenizer_class": "BertTokenizer"}')
    torch.save({'embeddings': RunsCode(marker)}, folder / 'pytorch_model.bin')
    with pytest.raises((ValueError, OSError), match='language'):
        TextEncoder(name=str(folder))


def test_language_model_with_code_of_its_own(tmp_path: Path, marker: Path) -> None:
    folder = tmp_path / 'language'
    folder.mkdir()
    (folder / 'code.py').write_text(f'import os\nos.mkdir({str(marker)!r})\nclass C: pass\n')
    told = {'model_type': 'evil', 'auto_map': {'AutoConfig': 'code.C', 'AutoModel': 'code.C'}}
    (folder / 'config.json').write_text(json.dumps(told))
    (folder / 'tokenizer_config.json').write_text(
        json.dumps({'auto_map': {'AutoTokenizer': ['code.C', None]}})
    )
    with pytest.raises((ValueError, OSError), match='language'):
        TextEncoder(name=str(folder))


def test_result_file(tmp_path: Path, marker: Path) -> None:
    """An array of objects is a pickle."""
    buffer = io.BytesIO()
    objects = np.array([RunsCode(marker)], dtype=object)
    np.lib.format.write_array(buffer, objects, allow_pickle=True)
    path = tmp_path / 'r.npz'
    with zipfile.ZipFile(path, 'w') as archive:
        from mmdet_medglip.evaluation.result_file import _ARRAYS

        for name in _ARRAYS:
            archive.writestr(f'{name}.npy', buffer.getvalue())
    with pytest.raises(ValueError, match=r"r\.npz is no result file.* array 'header' must be"):
        load_results(path)
    path.write_bytes(pickle.dumps(RunsCode(marker)))
    with pytest.raises(ValueError, match=r'r\.npz is no result file'):
        load_results(path)


@pytest.mark.parametrize('name', ['weights.safetensors', 'weights.pth', 'pytorch_model.bin'])
def test_packed_model(copy: Path, bad: Path, name: str) -> None:
    (copy / name).unlink(missing_ok=True)
    shutil.copy(bad, copy / name)
    if name == 'weights.safetensors':
        relist(copy)
    with pytest.raises(ValueError, match=name):
        MedGLIPInferencer(str(copy), device='cpu', show_progress=False)
