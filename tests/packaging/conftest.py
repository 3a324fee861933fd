"""A packed model, and ways to break it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmdet_medglip.apis import ModelFiles
from mmdet_medglip.packaging.pack_model import PackOptions, pack_model
from tests.apis.conftest import make_model, model_files, picture

__all__ = ['make_model', 'model_files', 'picture']

OPTIONS = PackOptions('Apache-2.0', name='two', score_thr=0.25, prompts=('liver, spleen',))


@pytest.fixture(scope='session')
def packed(model_files, tmp_path_factory) -> Path:
    """The model of the inferencer's tests, packed."""
    folder = tmp_path_factory.mktemp('packed') / 'two'
    pack_model(ModelFiles(*model_files), folder, OPTIONS)
    return folder


@pytest.fixture
def copy(packed, tmp_path) -> Path:
    """A copy to break; the weights are a hard link, not to be written."""
    return Path(shutil.copytree(packed, tmp_path / 'copy', copy_function=_link))


def _link(source: str, target: str) -> None:
    if source.endswith('weights.safetensors'):
        Path(target).hardlink_to(source)
    else:
        shutil.copyfile(source, target)


def relist(folder: Path) -> None:
    """Write the list anew, as somebody who means harm would."""
    path = folder / 'medglip.json'
    told = json.loads(path.read_text())
    for name in told['files']:
        content = (folder / name).read_bytes()
        told['files'][name] = dict(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    path.write_text(json.dumps(told))


@pytest.fixture
def change_config(copy) -> Callable[..., Path]:
    """Change the config of the copy by a function, with a list that fits."""

    def change(function: Callable[[dict], None]) -> Path:
        path = copy / 'config.json'
        config = json.loads(path.read_text())
        function(config)
        path.write_text(json.dumps(config))
        relist(copy)
        return copy

    return change
