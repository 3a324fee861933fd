"""The bounded memory: order of use, bound, copies."""

import copy
import pickle

import pytest

from mmdet_medglip.models.language_models.recent_cache import RecentCache


@pytest.fixture
def asked():
    return []


@pytest.fixture
def double(asked):
    def compute(keys: list[int]) -> list[int]:
        asked.append(keys)
        return [2 * key for key in keys]

    return compute


def test_computes_each_distinct_key_once_and_all_in_one_call(asked, double):
    cache = RecentCache(4)
    assert cache.fetch([1, 2, 1], double) == {1: 2, 2: 4}
    assert cache.fetch([2, 3, 3], double) == {2: 4, 3: 6}
    assert cache.fetch([1], double) == {1: 2}
    assert asked == [[1, 2], [3]]


def test_forgets_what_was_used_longest_ago(asked, double):
    cache = RecentCache(2)
    for key in (1, 2, 1, 3):
        cache.fetch([key], double)
    assert len(cache) == 2
    assert (1 in cache, 2 in cache, 3 in cache) == (True, False, True)


@pytest.mark.parametrize('size', [0, 1, 3])
def test_a_call_larger_than_the_cache_is_answered_whole(double, size):
    cache = RecentCache(size)
    assert cache.fetch(range(5), double) == {key: 2 * key for key in range(5)}
    assert len(cache) == size


def test_clear_and_copies_are_empty(double):
    cache = RecentCache(3)
    cache.fetch([1], double)
    for twin in (copy.copy(cache), copy.deepcopy(cache), pickle.loads(pickle.dumps(cache))):
        assert len(twin) == 0
        assert twin.size == 3
    cache.clear()
    assert len(cache) == 0


def test_failed_computation_keeps_nothing(double):
    cache = RecentCache(3)
    with pytest.raises(ValueError, match='shorter'):
        cache.fetch([1, 2], lambda keys: [0])
    assert len(cache) == 0
