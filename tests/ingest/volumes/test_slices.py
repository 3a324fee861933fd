"""Which slices are taken."""

import pytest

from mmdet_medglip.ingest.volumes import SlicePolicy


@pytest.mark.parametrize(
    ('policy', 'slices', 'taken'),
    [
        pytest.param(SlicePolicy(), 3, [0, 1, 2], id='all'),
        pytest.param(SlicePolicy(step=2), 5, [0, 2, 4], id='every-second'),
        pytest.param(SlicePolicy(max_slices=3), 7, [0, 3, 6], id='limit'),
        pytest.param(SlicePolicy(max_slices=9), 3, [0, 1, 2], id='limit-not-reached'),
        pytest.param(SlicePolicy(step=4, max_slices=3), 7, [0, 4], id='larger-step-wins'),
    ],
)
def test_candidates(policy: SlicePolicy, slices: int, taken: list[int]) -> None:
    assert list(policy.candidates(slices)) == taken


def test_share_of_empty_slices() -> None:
    names = [f'a/{index}' for index in range(2000)]
    kept = [name for name in names if SlicePolicy(empty_share=0.25).keeps_empty(name)]
    assert 400 < len(kept) < 600
    assert all(SlicePolicy(empty_share=1).keeps_empty(name) for name in names)
    assert not any(SlicePolicy(empty_share=0).keeps_empty(name) for name in names)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'step': 0}, "'slice_step'", id='step'),
        pytest.param({'step': 1.5}, "'slice_step'", id='fraction'),
        pytest.param({'empty_share': 1.5}, "'empty_share'", id='share'),
        pytest.param({'max_slices': 0}, "'max_slices'", id='limit'),
    ],
)
def test_bad_numbers(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlicePolicy(**options)
