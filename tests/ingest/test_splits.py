"""Splits by patient."""

from collections import Counter

import pytest

from mmdet_medglip.ingest.splits import SplitPolicy, assign_split

_FRACTIONS = {'train': 0.7, 'val': 0.1, 'test': 0.2}


def test_shares_are_met() -> None:
    counts = Counter(assign_split(f'p{i}', _FRACTIONS, 0) for i in range(5000))
    assert counts['train'] / 5000 == pytest.approx(0.7, abs=0.03)
    assert counts['test'] / 5000 == pytest.approx(0.2, abs=0.03)


def test_depends_on_patient_and_seed_only() -> None:
    before = [assign_split(f'p{i}', _FRACTIONS, 0) for i in range(50)]
    after = [assign_split(f'p{i}', _FRACTIONS, 0) for i in reversed(range(500))][-50:][::-1]
    assert before == after
    assert before != [assign_split(f'p{i}', _FRACTIONS, 1) for i in range(50)]


def test_values_never_change() -> None:
    # A change here would move patients of existing stores to other splits.
    initials = ''.join(assign_split(patient, _FRACTIONS, 0)[1] for patient in 'abcdefgh')
    assert initials == 'rearerrr'


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_whole_share_takes_all(split: str) -> None:
    assert {assign_split(f'p{i}', {split: 1.0}) for i in range(100)} == {split}


@pytest.mark.parametrize(
    ('fractions', 'message'),
    [
        pytest.param({'train': 0.5}, 'sum to 1', id='half'),
        pytest.param({'train': 1.5, 'val': -0.5}, '>= 0', id='negative'),
        pytest.param({'valid': 1.0}, "Unknown split 'valid'", id='unknown'),
    ],
)
def test_bad_fractions(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        assign_split('p', fractions)


def test_empty_patient() -> None:
    with pytest.raises(ValueError, match="'patient_id' is empty"):
        assign_split('', _FRACTIONS)


@pytest.mark.parametrize(
    ('options', 'folder', 'split'),
    [
        pytest.param({'fixed': 'test'}, None, 'test', id='fixed'),
        pytest.param({'folders': {'valid': 'val'}}, 'valid', 'val', id='folders'),
        pytest.param({'fractions': {'val': 1.0}, 'seed': 3}, None, 'val', id='fractions'),
    ],
)
def test_policies(options: dict, folder: str | None, split: str) -> None:
    assert SplitPolicy(options).choose('p', folder) == split


@pytest.mark.parametrize(
    'options',
    [{'fixed': 'valid'}, {'folders': {'a': 'b'}}, {'by': 'x'}, {'fixed': 'val', 'folders': {}}],
    ids=['unknown-split', 'unknown-split-of-folder', 'unknown-kind', 'two-kinds'],
)
def test_bad_policy(options: dict) -> None:
    with pytest.raises(ValueError, match=r"Unknown split|'split' needs one of"):
        SplitPolicy(options)


def test_unlisted_folder() -> None:
    with pytest.raises(ValueError, match="folder 'holdout' is not among train"):
        SplitPolicy({'folders': {'train': 'train'}}).choose('p', 'holdout')
