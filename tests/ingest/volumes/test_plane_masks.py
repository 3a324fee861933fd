"""Masks drawn slice by slice."""

import numpy as np

from mmdet_medglip.ingest.volumes import Grid, PlaneMasks, Turn

_SHAPE = (5, 6, 4)
_STAY = Turn((0, 1, 2), (False, False, False))


def _voxels(masks: PlaneMasks, policy: str, turn: Turn, size: tuple[int, int]) -> list:
    structure = masks.structure('a', policy, 'a', turn)
    if structure is None:
        return []
    return [
        [index, region.volume_instance_id, *place]
        for index in range(6)
        for region in structure.regions(index, size)
        for place in np.argwhere(region.mask).tolist()
    ]


def test_masks_are_joined_and_cut_to_the_volume() -> None:
    masks = PlaneMasks(_SHAPE)
    masks.add(1, np.ones((2, 2), bool), row=-1, column=5)
    masks.add(1, np.ones((1, 1), bool), row=4, column=0)
    masks.add(3, np.zeros((5, 6), bool))
    masks.add(2, np.eye(2, dtype=bool), row=3, column=4)
    found = _voxels(masks, 'single', _STAY, _SHAPE[:2])
    assert found == [
        [1, 'a', 0, 5],
        [1, 'a', 4, 0],
        [2, 'a', 3, 4],
        [2, 'a', 4, 5],
    ]


def test_components_are_numbered() -> None:
    masks = PlaneMasks(_SHAPE)
    for index in (0, 1, 3):
        masks.add(index, np.ones((1, 1), bool), row=2, column=2)
    names = [row[1] for row in _voxels(masks, 'components', _STAY, _SHAPE[:2])]
    assert names == ['a:1', 'a:1', 'a:2']


def test_nothing_drawn() -> None:
    assert PlaneMasks(_SHAPE).structure('a', 'single', 'a', _STAY) is None


def test_masks_turn_with_the_volume() -> None:
    volume = np.zeros(_SHAPE, bool)
    volume[1, 2, 3] = volume[4, 0, 0] = True
    masks = PlaneMasks(_SHAPE)
    for index in range(_SHAPE[2]):
        masks.add(index, volume[:, :, index])
    for axes in ('PLS', 'ARI', 'SLP', 'IPL'):
        turn = Grid.of_axes(_SHAPE, (1, 1, 1), axes).turn_to('axial')
        shown = turn.apply(volume)
        expected = sorted([place[2], 'a', *place[:2]] for place in np.argwhere(shown).tolist())
        assert sorted(_voxels(masks, 'single', turn, shown.shape[:2])) == expected
