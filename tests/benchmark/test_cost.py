import pytest

from mmdet_medglip.benchmark.cost import entry_cost
from mmdet_medglip.engine.config import load_config


@pytest.fixture(scope='module')
def cost(repo_root):
    def of(name):
        return entry_cost(load_config(repo_root / 'configs' / name), ['ct', 'mri'])

    return of


def test_an_image_passes_through_one_expert(cost):
    routed, shared = cost('medglip/all.py'), cost('baselines/all_shared.py')
    expert = (routed.trainable - shared.trainable) / 6
    assert expert > 1e6
    assert routed.active == {'ct': shared.trainable, 'mri': shared.trainable}
    assert shared.active == {'ct': shared.trainable, 'mri': shared.trainable}
    assert routed.parameters - routed.trainable == shared.parameters - shared.trainable > 1e7
    assert routed.flops == shared.flops > 1e9
