"""From regions of a source to instances."""

from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.masks import decode_rle, encode_rle
from mmdet_medglip.ingest.recipe import BoxRules
from mmdet_medglip.ingest.regions import Regions, box_iou, label_regions, make_instances
from mmdet_medglip.ingest.source import SourceImage, SourceRegion
from mmdet_medglip.ontology import Ontology

SIZE = (20, 30)


def mask_of(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = True
    return mask


def make(*regions: SourceRegion, spacing=None, labels=None, **rules: Any) -> Regions:
    policy = rules.get('policy', {})
    label_map = LabelMap(labels or {}, Ontology.default(), modality='ct', policies=policy)
    image = SourceImage('a', np.zeros(SIZE, np.uint8), SIZE, regions, spacing_mm=spacing)
    labelled, left = label_regions(image.regions, label_map)
    made = make_instances(labelled, image, label_map, BoxRules(**rules))
    made.left = left + made.left
    return made


def boxes(made: Regions) -> list[tuple[float, ...]]:
    return [instance.bbox for instance in made.instances]


def reasons(made: Regions) -> list[tuple[str, str]]:
    return [(left.stage, left.reason) for left in made.left]


TWO = mask_of((1, 2, 4, 6), (10, 3, 15, 9))


@pytest.mark.parametrize(
    ('region', 'rules', 'expected'),
    [
        (SourceRegion('liver', mask=TWO, is_object=False), {}, [(1, 2, 15, 9)]),
        (
            SourceRegion('liver_lesion', mask=TWO, is_object=False),
            {},
            [(1, 2, 4, 6), (10, 3, 15, 9)],
        ),
        (SourceRegion('liver_lesion', mask=TWO), {}, [(1, 2, 15, 9)]),
        (
            SourceRegion('liver', mask=TWO, is_object=False),
            {'policy': {'liver': 'components'}},
            [(1, 2, 4, 6), (10, 3, 15, 9)],
        ),
        (
            SourceRegion('liver_lesion', mask=TWO, is_object=False),
            {'min_area': 13},
            [(10, 3, 15, 9)],
        ),
        (SourceRegion('liver', bbox=(2, 3, 8, 9)), {}, [(2, 3, 8, 9)]),
        (SourceRegion('liver', bbox=(-0.5, 3, 30.4, 9)), {}, [(0, 3, 30, 9)]),
    ],
    ids=['organ', 'lesions', 'object', 'policy', 'min_area', 'box', 'rounding'],
)
def test_boxes_by_policy(region: SourceRegion, rules: dict, expected: list) -> None:
    made = make(region, **rules)
    assert boxes(made) == expected
    assert not made.flags


def test_class_masks_of_an_organ_are_one_region() -> None:
    parts = [
        SourceRegion('liver', mask=mask_of(box), is_object=False)
        for box in [(1, 2, 4, 6), (10, 3, 15, 9)]
    ]
    made = make(*parts)
    assert boxes(made) == [(1, 2, 15, 9)]
    assert (decode_rle(made.instances[0].mask) == TWO).all()


def test_run_length_is_taken_as_mask() -> None:
    made = make(SourceRegion('liver', mask=encode_rle(mask_of((3, 4, 9, 12)))))
    assert boxes(made) == [(3, 4, 9, 12)]


def test_masks_are_left_out_on_request() -> None:
    assert make(SourceRegion('liver', mask=TWO), keep_masks=False).instances[0].mask is None


@pytest.mark.parametrize(
    ('region', 'rules', 'expected'),
    [
        (SourceRegion('qqq', bbox=(1, 1, 2, 2)), {}, ('labels', 'name is not mapped')),
        (SourceRegion('ruler', bbox=(1, 1, 2, 2)), {}, ('labels', 'dropped by the recipe')),
        (
            SourceRegion('liver', bbox=(5, 5, 5, 9)),
            {},
            ('boxes', 'box is empty or not finite'),
        ),
        (
            SourceRegion('liver', bbox=(5, 5, float('nan'), 9)),
            {},
            ('boxes', 'box is empty or not finite'),
        ),
        (
            SourceRegion('liver', bbox=(40, 5, 50, 9)),
            {},
            ('boxes', 'box lies outside the image'),
        ),
        (
            SourceRegion('liver', mask=np.ones((3, 3), bool)),
            {},
            ('boxes', 'mask is not valid'),
        ),
        (
            SourceRegion('liver', mask=np.zeros(SIZE, bool)),
            {},
            ('boxes', 'mask smaller than min_area'),
        ),
        (
            SourceRegion('liver', bbox=(20, 10, 28, 18), mask=mask_of((1, 1, 5, 5))),
            {},
            ('quality', 'box and mask disagree'),
        ),
        (SourceRegion('liver'), {}, ('boxes', 'region has neither box nor mask')),
        (
            SourceRegion('liver', bbox=(1, 1, 9, 4)),
            {'min_size_mm': 3.0},
            ('boxes', 'box shorter than min_size_mm'),
        ),
    ],
    ids=[
        'unmapped',
        'dropped',
        'empty',
        'nan',
        'outside',
        'mask_size',
        'mask_empty',
        'disagree',
        'nothing',
        'too_small',
    ],
)
def test_what_cannot_be_is_left_out_with_its_reason(
    region: SourceRegion, rules: dict, expected: tuple[str, str]
) -> None:
    made = make(region, spacing=(0.9, 2.0), labels={'ruler': None}, **rules)
    assert boxes(made) == []
    assert reasons(made) == [expected]
    if region.name != 'liver':
        assert region.name in made.left[0].detail


def test_box_far_outside_is_clipped_and_flagged() -> None:
    made = make(SourceRegion('liver', bbox=(20, 5, 37, 9)))
    assert boxes(made) == [(20, 5, 30, 9)]
    assert made.flags == {'box_leaves_image'}


def test_size_in_mm_uses_both_spacings() -> None:
    region = SourceRegion('liver', bbox=(1, 1, 5, 5))
    assert len(make(region, spacing=(1.0, 0.5), min_size_mm=2.0).instances) == 1
    assert len(make(region, spacing=(1.0, 0.4), min_size_mm=2.0).instances) == 0
    assert len(make(region, spacing=None, min_size_mm=2.0).instances) == 1


def test_boxes_of_annotators_become_their_mean() -> None:
    drawn = [
        SourceRegion('liver', bbox=(2, 2, 12, 12), annotator='r1'),
        SourceRegion('liver', bbox=(3, 2, 13, 12), annotator='r2'),
        SourceRegion('liver', bbox=(20, 2, 28, 9), annotator='r1'),
        SourceRegion('spleen', bbox=(2, 2, 12, 12), annotator='r3'),
    ]
    made = make(*drawn, merge_iou=0.5)
    assert boxes(made) == [(2.5, 2, 12.5, 12), (20, 2, 28, 9), (2, 2, 12, 12)]
    assert made.instances[0].annotator == 'r1+r2'
    assert len(make(*drawn).instances) == 4


@pytest.mark.parametrize(
    ('a', 'b', 'expected'),
    [
        ((0, 0, 4, 4), (0, 0, 4, 4), 1.0),
        ((0, 0, 4, 4), (2, 0, 6, 4), 1 / 3),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0.0),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0.0),
    ],
    ids=['same', 'half', 'touching', 'empty'],
)
def test_iou(a: tuple, b: tuple, expected: float) -> None:
    assert box_iou(a, b) == pytest.approx(expected)
