import logging

import numpy as np
import pytest
from scipy.sparse import csr_array

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.few_shot import select_shots

# Ten images of a common label; the last two show a rare one too, the first shows it four times.
BOXES = np.zeros((12, 3), np.int64)
BOXES[:10, 0] = 1
BOXES[8:10, 1] = 1
BOXES[0, 0] = 4


def test_the_rarest_label_is_served_first_and_brings_the_others():
    found = select_shots(BOXES, shots=2)
    # the two images of the rare label show the common one twice, which is enough
    assert found.rows.tolist() == [8, 9]
    assert found.available.tolist() == [10, 2, 0]
    assert found.chosen.tolist() == [2, 2, 0]


def test_a_label_with_too_few_images_gets_all_of_them():
    found = select_shots(BOXES, shots=5)
    assert {8, 9} < set(found.rows.tolist())
    assert len(found.rows) == 5
    assert found.chosen.tolist() == [5, 2, 0]


def test_the_seed_decides_and_nothing_else():
    rows = [select_shots(BOXES, shots=5, seed=seed).rows.tolist() for seed in range(20)]
    assert rows[3] == select_shots(BOXES, shots=5, seed=3).rows.tolist()
    assert rows[3] == select_shots(csr_array(BOXES), shots=5, seed=3).rows.tolist()
    assert len({tuple(one) for one in rows}) > 5
    np.random.seed(1)
    assert select_shots(BOXES, shots=5, seed=3).rows.tolist() == rows[3]


def test_instances_count_one_by_one():
    boxes = np.array([[4], [1], [1], [1]])
    for seed in range(10):
        found = select_shots(boxes, shots=3, seed=seed, unit='instance')
        assert found.available.tolist() == [7]
        others = [row for row in found.rows.tolist() if row != 0]
        assert found.chosen[0] == (4 if 0 in found.rows else 0) + len(others)
        assert found.chosen[0] >= 3 and len(found.rows) <= 3


def test_more_shots_never_lose_an_image_of_a_single_label():
    boxes = np.ones((30, 1), np.int64)
    few, more = (set(select_shots(boxes, shots=n, seed=5).rows.tolist()) for n in (4, 9))
    assert len(few) == 4 and len(more) == 9 and few < more


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(dict(shots=0), 'shots must be a positive integer, got 0', id='none'),
        pytest.param(dict(shots=2.5), 'shots must be a positive integer, got 2.5', id='fraction'),
        pytest.param(dict(unit='box'), "shot_unit must be one of .* got 'box'", id='unit'),
    ],
)
def test_bad_numbers_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        select_shots(BOXES, **(dict(shots=1) | change))


def test_a_data_set_says_what_each_label_got(small_store, log):
    dataset = MedGroundingDataset(str(small_store), split='train', modalities=['ct'], shots=2)
    # four images show liver and left kidney, one a kidney stone: two and one are taken
    assert len(dataset) == 3
    assert dataset.shots_of == {'liver': 2, 'kidney_left': 2, 'kidney_stone': 1}
    names = {dataset.get_data_info(i)['img_id'] for i in range(3)}
    assert 'ct-stone' in names and 'ct-negative' not in names
    table = next(text for level, text in log if '2 shots per label' in text)
    rows = [line.split() for line in table.splitlines()]
    assert ['kidney_stone', '1', '1'] in rows
    assert ['liver', '4', '2'] in rows
    warned = [text for level, text in log if level == logging.WARNING]
    assert warned == ['1 of 3 labels have fewer than shots=2: kidney_stone.']


def test_shots_are_the_same_in_each_process_and_differ_by_seed(small_store):
    def names(seed):
        dataset = MedGroundingDataset(
            str(small_store), split='train', labels=['liver'], shots=1, shot_seed=seed
        )
        return [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]

    assert names(0) == names(0)
    assert len({tuple(names(seed)) for seed in range(12)}) > 1


def test_without_shots_nothing_is_chosen(small_store):
    dataset = MedGroundingDataset(str(small_store), split='train', modalities=['ct'])
    assert len(dataset) == 6
    assert dataset.shots_of == {}


def test_labels_that_no_record_shows_are_one_error(small_store):
    with pytest.raises(ValueError, match=r'shots=1: no selected record of .* has one of the 1'):
        MedGroundingDataset(
            str(small_store), split='train', modalities=['ct'], labels=['spleen'], shots=1
        )
