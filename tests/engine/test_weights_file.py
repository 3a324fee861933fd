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


def test_half_rounds_float32_alone(tmp_path):
    path = tmp_path / 'w'
    kept = {'a': torch.tensor([1.0, 1 / 3]), 'b': torch.tensor([7]), 'c': torch.ones(1).double()}
    save_weights(path, kept, half=True)
    read = load_weights(path)
    assert read['a'].dtype == torch.float16
    assert read['a'].tolist() == [1.0, pytest.approx(1 / 3, abs=1e-4)]
    assert (read['b'].dtype, read['c'].dtype) == (torch.int64, torch.float64)


def test_half_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match=r'^neck\.x has numbers beyond float16; keep'):
        save_weights(tmp_path / 'w', {'neck.x': torch.tensor([70000.0])}, half=True)


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
