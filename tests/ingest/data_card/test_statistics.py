import math
import random
from dataclasses import replace

import pytest

from mmdet_medglip.ingest.data_card.histogram import LogHistogram
from mmdet_medglip.ingest.data_card.rejects_summary import RejectGroup, summarise_rejects
from mmdet_medglip.ingest.data_card.sampling import HashSample, image_hash, round_robin
from mmdet_medglip.ingest.data_card.sections import boxes_per_image
from mmdet_medglip.ingest.data_card.statistics import gather
from mmdet_medglip.ingest.rejects import Reject
from mmdet_medglip.structures import Instance, Record


def _record(name: str, *boxes: tuple[float, ...], split: str = 'train', **fields) -> Record:
    common = {'modality': 'ct', 'source': 's', 'patient_id': name}
    instances = tuple(Instance(box, 'liver') for box in boxes)
    return Record(name, 10, 20, split=split, **common | {'instances': instances} | fields)


def test_counts() -> None:
    numbers = gather(
        [
            _record('a', (0, 0, 10, 2), (0, 0, 1, 1), flags=('tiny_box',)),
            _record('b', (0, 0, 20, 10), split='val', spacing_mm=(2.0, 0.5)),
            _record('c', source='t', caption='No finding.'),
        ]
    )
    assert (numbers.records, numbers.regions) == (3, 3)
    assert numbers.modality_images == {('ct', 'train'): 2, ('ct', 'val'): 1}
    assert numbers.modality_regions == {('ct', 'train'): 2, ('ct', 'val'): 1}
    assert numbers.modality_negatives == {'ct': 1}
    assert numbers.source_regions == {'s': 3, 't': 0}
    assert numbers.licences == {'not stated': 3}
    assert numbers.flags == {('tiny_box', 'train'): 1}
    assert numbers.labels['liver'].splits == {'train': 2, 'val': 1}
    assert (numbers.images_of('train'), numbers.regions_of('val')) == (2, 1)
    # 200, 20 and 1 of 200 pixels; the one box with spacing is 10 x 2 mm high and 20 x 0.5 mm wide.
    assert numbers.area['ct'].quantile(0.5) == pytest.approx(0.1, rel=0.07)
    assert numbers.length['ct'].quantile(0.5) == pytest.approx(20, rel=0.07)
    assert numbers.aspect['ct'].quantile(1.0) == pytest.approx(5, rel=0.07)
    assert {k: v for k, v in boxes_per_image(numbers).items() if v} == {'0': 1, '1': 1, '2': 1}


def test_patients_are_those_of_their_source() -> None:
    records = [
        _record('a', patient_id='1'),
        _record('b', patient_id='1'),
        _record('c', patient_id='1', source='t', split='val'),
        _record('d', patient_id='2', source='t', split='val'),
    ]
    patients = gather(records).patients()
    assert (patients.total, patients.in_two_splits) == (3, 0)
    assert patients.by_split == {'train': 1, 'val': 2, 'test': 0}
    assert patients.by_source == {'s': 1, 't': 2}
    leaking = [*records, replace(records[0], split='test')]
    assert gather(leaking).patients().in_two_splits == 1


def test_an_empty_store() -> None:
    numbers = gather([])
    assert numbers.patients().total == 0
    assert numbers.records == 0


@pytest.mark.parametrize(
    ('values', 'share', 'expected'),
    [
        pytest.param([0.01] * 9 + [1.0], 0.5, 0.01, id='median'),
        pytest.param([0.01] * 9 + [1.0], 1.0, 1.0, id='largest'),
        pytest.param([1e-9], 0.5, 0.001, id='below the first bin'),
        pytest.param([1e9], 0.5, 10, id='above the last bin'),
    ],
)
def test_quantiles_of_a_histogram(values: list[float], share: float, expected: float) -> None:
    histogram = LogHistogram(-3, 1)
    for value in values:
        histogram.add(value)
    assert histogram.quantile(share) == pytest.approx(expected, rel=0.07)
    assert histogram.total == sum(histogram.counts) == len(values)
    assert len(histogram.edges) == len(histogram.counts) + 1


def test_an_empty_histogram_has_no_median() -> None:
    assert math.isnan(LogHistogram(0, 1).quantile(0.5))


def test_samples_do_not_depend_on_the_order() -> None:
    names = [f'image {number}' for number in range(500)]
    chosen = []
    for seed in range(3):
        random.Random(seed).shuffle(names)
        sample = HashSample(5)
        for position, name in enumerate(names):
            sample.add(('ct',), image_hash(name), position)
        chosen.append([names[position] for position in sample.positions(('ct',))])
    assert chosen[0] == chosen[1] == chosen[2]
    assert len(chosen[0]) == 5


def test_groups_sample_different_images() -> None:
    sample = HashSample(5)
    for position in range(500):
        for group in (('a',), ('b',)):
            sample.add(group, image_hash(str(position)), position)
    assert set(sample.positions(('a',))) != set(sample.positions(('b',)))
    assert sample.groups() == [('a',), ('b',)]
    assert sample.positions(('c',)) == []


def test_no_samples_are_wanted() -> None:
    sample = HashSample(0)
    sample.add(('a',), 1, 1)
    assert sample.positions(('a',)) == []
    with pytest.raises(ValueError, match="'size' must be >= 0, got -1"):
        HashSample(-1)


def test_round_robin_takes_each_item_once() -> None:
    assert round_robin([[1, 2], [], [2, 3]], 4) == [1, 2, 3]
    assert round_robin([], 4) == []


def test_rejects_are_added_up_by_stage_and_reason() -> None:
    rejects = [
        Reject('s', 'z', 'quality', 'blank'),
        Reject('s', 'a', 'read', 'broken', 'truncated'),
        Reject('s', 'b', 'labels', 'unknown name', 'x', 3),
        *(Reject('s', f'c{n}', 'quality', 'constant') for n in range(5)),
    ]
    groups = summarise_rejects(rejects)
    assert [(g.stage, g.reason, g.count) for g in groups] == [
        ('read', 'broken', 1),
        ('labels', 'unknown name', 3),
        ('quality', 'constant', 5),
        ('quality', 'blank', 1),
    ]
    assert groups[0] == RejectGroup('read', 'broken', 's', 1, ('a: truncated',))
    assert groups[2].examples == ('c0', 'c1', 'c2')
