"""Facts of an image follow from its boxes."""

from mmdet_medglip.downstream.generate import facts_of
from mmdet_medglip.structures import Instance, Record

LABELS = ('kidney_left', 'kidney_right', 'kidney_stone', 'liver_lesion')


def record(*instances: Instance, spacing=(2.0, 1.0)) -> Record:
    return Record(
        'a', 90, 90, 'ct', 'demo', 'p1', spacing_mm=spacing, instances=instances, split='test'
    )


LEFT = Instance((50, 40, 70, 60), label='kidney_left')
RIGHT = Instance((10, 40, 30, 60), label='kidney_right')
STONE = Instance((55, 45, 59, 51), label='kidney_stone')


def test_a_finding_has_the_side_of_the_organ_it_lies_in():
    facts = facts_of(record(LEFT, RIGHT, STONE), LABELS)
    (stone,) = facts.objects['kidney_stone']
    assert (stone.side, stone.host) == ('left', 'kidney_left')


def test_a_finding_outside_its_organs_has_no_side():
    far = Instance((0, 0, 5, 5), label='kidney_stone')
    (stone,) = facts_of(record(LEFT, far), LABELS).objects['kidney_stone']
    assert (stone.side, stone.host) == (None, None)


def test_an_organ_that_a_finding_cannot_lie_in_gives_no_side():
    inside = Instance((52, 42, 60, 50), label='liver_lesion')
    (lesion,) = facts_of(record(LEFT, inside), LABELS).objects['liver_lesion']
    assert lesion.side is None


def test_lengths_follow_the_spacing_of_rows_and_columns():
    (stone,) = facts_of(record(LEFT, STONE), LABELS).objects['kidney_stone']
    assert stone.length_mm == 12.0  # 6 rows of 2 mm, 4 columns of 1 mm
    (bare,) = facts_of(record(LEFT, STONE, spacing=None), LABELS).objects['kidney_stone']
    assert bare.length_mm is None


def test_crowds_and_unknown_labels_say_nothing():
    crowd = Instance((1, 1, 9, 9), label='liver_lesion', is_crowd=True)
    phrase = Instance((1, 1, 9, 9), phrase='something')
    facts = facts_of(record(crowd, phrase, LEFT), (*LABELS, 'not_a_label'))
    assert facts.labels == ('kidney_left', 'kidney_right', 'kidney_stone')
    assert set(facts.objects) == {'kidney_left'}


def test_a_negative_image_has_facts_without_objects():
    facts = facts_of(record(), LABELS)
    assert facts.labels == LABELS and not facts.objects


def test_zones_are_those_of_the_image_as_it_is_shown():
    corner = Instance((0, 0, 10, 10), label='liver_lesion')
    (lesion,) = facts_of(record(corner), LABELS).objects['liver_lesion']
    assert lesion.zone == 'upper left'
