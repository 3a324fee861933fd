import json

import pytest
import torch

from mmdet_medglip.engine import load_checkpoint
from mmdet_medglip.engine.weights_file import load_weights, save_weights, weight_shapes


def weights():
    one = torch.arange(6.0).reshape(2, 3)
    return {'b': one, 'a': one, 'c': one.t(), 'd': torch.tensor(3), 'e': torch.empty(0, 2)}


def test_weights_come_back_and_what_is_shared_is_written_once(tmp_path):
    path = tmp_path / 'w.safetensors'
    save_weights(path, weights())
    read = load_weights(path)
    assert set(read) == set(weights())
    for name, value in weights().items():
        assert torch.equal(read[name], value)
        assert read[name].dtype == value.dtype
    header_size = int.from_bytes(path.read_bytes()[:8], 'little')
    header = json.loads(path.read_bytes()[8 : 8 + header_size])
    assert 'b' not in header
    assert header['__metadata__'] == {'shared': '{"b": "a"}'}
    assert {name: list(v.shape) for name, v in weight_shapes(path).items()} == {
        name: list(value.shape) for name, value in weights().items()
    }


def test_the_bytes_depend_on_the_weights_alone(tmp_path):
    save_weights(tmp_path / 'x', weights())
    save_weights(tmp_path / 'y', dict(reversed(weights().items())))
    assert (tmp_path / 'x').read_bytes() == (tmp_path / 'y').read_bytes()


def test_it_is_a_checkpoint(tmp_path):
    save_weights(tmp_path / 'w.safetensors', {'a': torch.ones(2)})
    assert load_checkpoint(tmp_path / 'w.safetensors')['state_dict']['a'].tolist() == [1, 1]


@pytest.mark.parametrize('read', [load_weights, weight_shapes])
def test_damage(tmp_path, read):
    path = tmp_path / 'w.safetensors'
    save_weights(path, weights())
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match='no file of weights, or damaged'):
        read(path)
    with pytest.raises(FileNotFoundError, match='no file of weights at'):
        read(tmp_path / 'other')
