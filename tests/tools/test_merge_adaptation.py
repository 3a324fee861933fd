"""tools/model_converters/merge_adaptation.py on a small model."""

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mmdet_medglip.engine.adaptation import adapt
from mmdet_medglip.engine.adaptation.base_weights import keep_adapted
from mmdet_medglip.engine.adaptation.freezing import frozen_names
from mmdet_medglip.registry import MODELS
from tests.models.conftest import small_config, tiny_bert

__all__ = ['tiny_bert']

TOOL = 'model_converters/merge_adaptation.py'


@pytest.fixture
def files(tmp_path, tiny_bert):
    """Folder with a base, its LoRA (``all.pth``, ``adapted.pth``) and their config."""
    DefaultScope.get_instance('merge', scope_name='mmdet_medglip')
    settings = small_config(tiny_bert, ('ct',))
    adaptation = dict(type='LoRA', targets=['bbox_head'], rank=2)
    config = Config(dict(model=settings, adaptation=adaptation, default_scope='mmdet_medglip'))
    config.dump(str(tmp_path / 'config.py'))
    model = MODELS.build(ConfigDict(settings))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'base.pth')
    adapt(model, adaptation)
    torch.nn.init.ones_(model.bbox_head.centerness.lora_A.default.weight)
    torch.nn.init.ones_(model.bbox_head.centerness.lora_B.default.weight)
    checkpoint = dict(state_dict=model.state_dict(), meta={})
    torch.save(checkpoint, tmp_path / 'all.pth')
    keep_adapted(checkpoint, frozen_names(model), str(tmp_path / 'base.pth'))
    torch.save(checkpoint, tmp_path / 'adapted.pth')
    return tmp_path


@pytest.fixture
def merge(load_tool, monkeypatch, files):
    def run(*arguments: str) -> None:
        paths = [word if word.startswith('--') else str(files / word) for word in arguments]
        monkeypatch.setattr('sys.argv', [TOOL, *paths])
        load_tool(TOOL).main()

    return run


@pytest.mark.parametrize('name', ['all.pth', 'adapted.pth'])
def test_the_result_is_a_checkpoint_of_the_base(merge, files, name, capsys):
    merge('config.py', name, 'new/merged.pth')
    weights = torch.load(files / 'new' / 'merged.pth', weights_only=True)['state_dict']
    base = torch.load(files / 'base.pth', weights_only=True)['state_dict']
    assert set(weights) == set(base)
    changed = {key for key in base if not torch.equal(weights[key], base[key])}
    assert changed == {'bbox_head.centerness.weight'}
    # alpha / rank = 8 times the product of ones over rank 2
    key = 'bbox_head.centerness.weight'
    assert torch.allclose(weights[key], base[key] + 16, atol=1e-5)
    assert f'{len(base)} tensors' in capsys.readouterr().out


def test_a_base_that_moved_is_named(merge, files):
    (files / 'base.pth').rename(files / 'moved.pth')
    with pytest.raises(SystemExit, match=r'error: .*base\.pth does not exist'):
        merge('config.py', 'adapted.pth', 'merged.pth')
    merge('config.py', 'adapted.pth', 'merged.pth', '--base', 'moved.pth')
    assert (files / 'merged.pth').is_file()


def test_a_config_without_adaptation_is_one_error(merge, files):
    (files / 'plain.py').write_text('model = dict()\n')
    with pytest.raises(SystemExit, match='has no entry adaptation'):
        merge('plain.py', 'all.pth', 'merged.pth')
