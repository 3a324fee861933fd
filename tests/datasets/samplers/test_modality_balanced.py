from collections import Counter

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler
from torch.utils.data import ConcatDataset, DataLoader, Dataset, RandomSampler

from mmdet_medglip.datasets import ModalityBalancedBatchSampler
from mmdet_medglip.datasets.samplers import modality_balanced
from mmdet_medglip.datasets.samplers.modality_balanced import batches_per_modality

CT, MRI, FUNDUS = range(40), range(40, 60), range(60, 64)


class _Images(Dataset):
    """64 images: 40 CT, 20 MRI, 4 fundus."""

    def __init__(self, modalities: dict[str, range]) -> None:
        self._rows = {name: np.array(rows) for name, rows in modalities.items()}

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows.values())

    def __getitem__(self, index: int) -> int:
        return index

    def modality_indices(self) -> dict[str, np.ndarray]:
        return self._rows


IMAGES = _Images({'ct': CT, 'mri': MRI, 'fundus': FUNDUS})


def _sampler(
    monkeypatch: pytest.MonkeyPatch, rank: int = 0, world: int = 1, **arguments: object
) -> ModalityBalancedBatchSampler:
    monkeypatch.setattr(modality_balanced, 'get_dist_info', lambda: (rank, world))
    arguments = {'batch_size': 4, **arguments}
    return ModalityBalancedBatchSampler(DefaultSampler(IMAGES, seed=3), **arguments)


def _modality(batch: list[int]) -> str:
    names = {'ct' if i in CT else 'mri' if i in MRI else 'fundus' for i in batch}
    assert len(names) == 1
    return names.pop()


@pytest.mark.parametrize(
    ('temperature', 'expected'),
    [
        pytest.param(1.0, {'ct': 10, 'mri': 5, 'fundus': 1}, id='natural'),
        pytest.param(0.0, {'ct': 6, 'mri': 5, 'fundus': 5}, id='uniform'),
        pytest.param(0.5, {'ct': 8, 'mri': 5, 'fundus': 3}, id='square root: 8.0 5.7 2.5'),
    ],
)
def test_batches_hold_one_modality_in_the_share_of_the_temperature(
    monkeypatch: pytest.MonkeyPatch, temperature: float, expected: dict[str, int]
) -> None:
    batches = list(_sampler(monkeypatch, temperature=temperature))
    assert len(batches) == 16
    assert all(len(batch) == 4 for batch in batches)
    shares = Counter(map(_modality, batches))
    assert sum(shares.values()) == 16
    assert all(abs(shares[name] - number) <= 1 for name, number in expected.items())


def test_natural_temperature_shows_every_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [i for batch in _sampler(monkeypatch, temperature=1.0) for i in batch]
    assert sorted(seen) == list(range(64))


def test_no_image_comes_twice_before_each_has_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = list(_sampler(monkeypatch, temperature=0.0, num_batches=60))
    for name, rows in (('ct', CT), ('mri', MRI), ('fundus', FUNDUS)):
        counts = Counter(i for batch in batches if _modality(batch) == name for i in batch)
        assert set(counts) == set(rows)
        assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize('world', [2, 3])
def test_ranks_have_equal_lengths_and_disjoint_images(
    monkeypatch: pytest.MonkeyPatch, world: int
) -> None:
    parts = [
        list(_sampler(monkeypatch, rank, world, temperature=1.0, drop_last=True))
        for rank in range(world)
    ]
    lengths = {len(part) for part in parts}
    assert lengths == {16 // world}
    seen = [i for part in parts for batch in part for i in batch]
    assert len(seen) == len(set(seen))
    steps = [tuple(map(_modality, step)) for step in zip(*parts, strict=True)]
    assert any(len(set(step)) > 1 for step in steps)


def test_all_ranks_together_equal_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = list(_sampler(monkeypatch))
    parts = [list(_sampler(monkeypatch, rank, 2)) for rank in range(2)]
    assert [batch for step in zip(*parts, strict=True) for batch in step] == alone


def test_order_follows_seed_and_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = _sampler(monkeypatch)
    first = list(sampler)
    assert list(sampler) == first
    sampler.sampler.set_epoch(1)
    second = list(sampler)
    assert second != first
    resumed = _sampler(monkeypatch)
    resumed.sampler.set_epoch(1)
    assert list(resumed) == second


def test_sampler_without_epoch_is_reshuffled_each_time() -> None:
    sampler = RandomSampler(IMAGES)
    sampler.dataset = IMAGES
    batches = ModalityBalancedBatchSampler(sampler, 4)
    assert list(batches) != list(batches)


@pytest.mark.parametrize(
    ('arguments', 'length'),
    [
        pytest.param({'batch_size': 5}, 13, id='rounded up'),
        pytest.param({'batch_size': 5, 'drop_last': True}, 12, id='rounded down'),
        pytest.param({'num_batches': 7}, 7, id='given'),
    ],
)
def test_length(monkeypatch: pytest.MonkeyPatch, arguments: dict, length: int) -> None:
    sampler = _sampler(monkeypatch, **arguments)
    assert len(sampler) == length == len(list(sampler))


def test_batch_larger_than_a_modality_repeats_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [b for b in _sampler(monkeypatch, batch_size=8) if _modality(b) == 'fundus']
    assert batches
    assert all(Counter(batch) == {60: 2, 61: 2, 62: 2, 63: 2} for batch in batches)


def test_concatenated_data_sets_are_offset() -> None:
    both = ConcatDataset(
        [_Images({'mri': range(3)}), _Images({'ct': range(2), 'mri': range(2, 4)})]
    )
    sampler = ModalityBalancedBatchSampler(DefaultSampler(both, seed=0), 1, temperature=1.0)
    assert {name: rows.tolist() for name, rows in sampler.indices.items()} == {
        'mri': [0, 1, 2, 5, 6],
        'ct': [3, 4],
    }


def test_serves_a_data_loader() -> None:
    batches = ModalityBalancedBatchSampler(DefaultSampler(IMAGES, seed=0), batch_size=4)
    loader = DataLoader(IMAGES, batch_sampler=batches, collate_fn=list)
    assert len(loader) == 16 == len([_modality(batch) for batch in loader])


@pytest.mark.parametrize(
    ('sizes', 'total', 'temperature', 'expected'),
    [
        pytest.param([900, 100], 10, 1.0, [9, 1], id='exact'),
        pytest.param([10_000, 1], 5, 1.0, [4, 1], id='none is forgotten'),
        pytest.param([5, 5, 5], 2, 0.0, [1, 1, 0], id='fewer batches than modalities'),
        pytest.param([7], 3, 0.5, [3], id='one modality'),
    ],
)
def test_batches_per_modality(
    sizes: list[int], total: int, temperature: float, expected: list[int]
) -> None:
    assert batches_per_modality(sizes, total, temperature) == expected


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'batch_size': 0}, 'batch_size must be a positive integer', id='batch size'),
        pytest.param({'temperature': 1.5}, 'temperature must be in', id='temperature'),
        pytest.param({'batch_size': 65, 'drop_last': True}, 'has no batch of 65', id='no batch'),
        pytest.param({'num_batches': 0}, 'has no batch', id='num_batches'),
    ],
)
def test_bad_arguments(monkeypatch: pytest.MonkeyPatch, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _sampler(monkeypatch, **arguments)


def test_data_set_without_modalities_is_an_error() -> None:
    with pytest.raises(TypeError, match=r'list has no modality_indices'):
        ModalityBalancedBatchSampler(DefaultSampler([1, 2], seed=0), 1)
    with pytest.raises(TypeError, match='torch Sampler'):
        ModalityBalancedBatchSampler([1, 2], 1)


NEW = _Images({'ct': range(3), 'mri': range(3, 5)})


@pytest.mark.parametrize(
    ('ratio', 'expected'),
    [
        pytest.param([1, 1], [12, 12], id='half'),
        pytest.param([3, 1], [18, 6], id='three-to-one'),
        pytest.param([1.0, 0.5], [16, 8], id='fraction'),
        pytest.param([1, 0], [24, 0], id='no-replay'),
        pytest.param([1, 0.001], [23, 1], id='at-least-one'),
    ],
)
def test_old_data_are_replayed_in_the_ratio_asked_for(ratio, expected):
    both = ConcatDataset([NEW, IMAGES])  # 5 images and 64
    sampler = ModalityBalancedBatchSampler(
        DefaultSampler(both, seed=3), 4, num_batches=24, dataset_ratio=ratio
    )
    for _ in range(2):
        batches = list(sampler)
        of_new = [batch for batch in batches if max(batch) < 5]
        assert [len(of_new), len(batches) - len(of_new)] == expected
        for batch in batches:
            assert len(batch) == 4
            if min(batch) >= 5:
                _modality([index - 5 for index in batch])
            else:
                assert max(batch) < 3 or (min(batch) >= 3 and max(batch) < 5)


def test_ranks_share_the_replayed_batches(monkeypatch):
    both = ConcatDataset([NEW, IMAGES])
    seen = []
    for rank in range(2):
        monkeypatch.setattr(modality_balanced, 'get_dist_info', lambda rank=rank: (rank, 2))
        sampler = ModalityBalancedBatchSampler(
            DefaultSampler(both, seed=3), 4, num_batches=12, dataset_ratio=[1, 1]
        )
        seen += list(sampler)
    assert sum(max(batch) < 5 for batch in seen) == 12
    assert len(seen) == 24


@pytest.mark.parametrize('ratio', [[1], [1, 1, 1], [1, -1], [0, 0]])
def test_a_ratio_that_does_not_fit_is_named(ratio):
    both = ConcatDataset([NEW, IMAGES])
    with pytest.raises(ValueError, match='dataset_ratio must have one number'):
        ModalityBalancedBatchSampler(DefaultSampler(both, seed=3), 4, dataset_ratio=ratio)


def test_without_a_ratio_data_sets_mix_as_before():
    both = ConcatDataset([IMAGES, IMAGES])
    sampler = ModalityBalancedBatchSampler(DefaultSampler(both, seed=3), 4)
    assert any(min(batch) < 64 <= max(batch) for batch in sampler)
