import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import average_precision, hierarchical_average_precision
from mmdet_medglip.evaluation.functional.label_tree import LabelTree
from mmdet_medglip.evaluation.parts import PARTS_BY, parts_of, whole
from mmdet_medglip.ontology import Ontology

SMALL, LARGE = [0, 0, 10, 10], [20, 20, 150, 150]


@pytest.fixture
def results(make_image, make_results):
    return make_results(
        make_image(
            '1', 'ct', [1, 0], [(0, 0.9, SMALL), (1, 0.8, LARGE)], [(1, SMALL), (0, LARGE)],
            source='a', body_region='abdomen',
        ),
        make_image('2', 'mri', [0], [(0, 0.7, SMALL)], [(0, LARGE)], source='b'),
        make_image('3', 'xray', 'ab', [(1, 0.5, SMALL)], [(1, SMALL)], body_region='chest'),
    )  # fmt: skip


def described(parts):
    return {name: (len(part.images), len(part.phrases)) for name, part in parts.items()}


@pytest.mark.parametrize(
    ('by', 'expected'),
    [
        pytest.param('modality', {'ct': (1, 2), 'mri': (1, 1), 'xray': (0, 2)}, id='modality'),
        pytest.param('source', {'a': (1, 2), 'b': (1, 1), 'unknown': (0, 2)}, id='source'),
        pytest.param(
            'body_region', {'abdomen': (1, 2), 'chest': (0, 2), 'unknown': (1, 1)}, id='region'
        ),
        # Nobody asked for the polyp or the right kidney.
        pytest.param('label', {'liver': (2, 2), 'kidney_left': (1, 1)}, id='label'),
        pytest.param('class', {'hepatobiliary_organ': (2, 2), 'kidney': (1, 1)}, id='class'),
        pytest.param('region', {'abdomen': (2, 3)}, id='label-region'),
        # All images count for truth of a size; absent phrases have none.
        pytest.param('size', {'small': (2, 2), 'medium': (2, 0), 'large': (2, 2)}, id='size'),
        pytest.param('level', {'label': (2, 3), 'class': (2, 0), 'region': (2, 0)}, id='level'),
    ],
)
def test_parts_have_their_images_and_phrases(results, by, expected):
    assert described(parts_of(results, by)) == expected
    assert described({'all': whole(results)}) == {'all': (2, 5)}


def test_a_part_by_label_asks_for_no_more(results):
    part = parts_of(results, 'label')['kidney_left']
    assert [origin.image_id for origin in part.origins] == ['1']
    assert average_precision(part.images, part.num_labels).ap50 == pytest.approx(1)
    assert part.images[0].asked.tolist() == [1]


def test_parts_of_one_level_score_as_the_hierarchy_does(results):
    tree = LabelTree.of_labels(Ontology.default(), results.classes)
    expected = hierarchical_average_precision(results.detections(), tree)
    for level, part in parts_of(results, 'level').items():
        found = average_precision(part.images, part.num_labels)
        assert found.ap50 == pytest.approx(expected.of_level(level).ap50), level
        assert found.num_truth.sum() == expected.of_level(level).num_truth.sum()


def test_answers_above_count_at_their_level(make_image, make_results):
    above = {
        'above_boxes': np.array([SMALL], np.float32),
        'above_scores': np.array([0.9], np.float32),
        'above_nodes': ('kidney',),
    }
    results = make_results(make_image('1', 'ct', [1], [], [(1, SMALL)], **above))
    parts = parts_of(results, 'level')
    scores = {name: average_precision(p.images, p.num_labels).ap50 for name, p in parts.items()}
    assert scores == pytest.approx({'label': 0, 'class': 1, 'region': 1})
    strange = make_image('1', 'ct', [1], **above | {'above_nodes': ('chest',)})
    with pytest.raises(ValueError, match=r"'1' is answered by 'chest', which lies above none"):
        parts_of(make_results(strange), 'level')


def test_unknown_ways_and_labels(results, make_results, make_image):
    with pytest.raises(ValueError, match=r"modality, .*, got 'organ'"):
        parts_of(results, 'organ')
    foreign = make_results(make_image('1', 'ct', [0]), classes=('zebra',))
    assert described(parts_of(foreign, 'label')) == {'zebra': (1, 1)}
    for by in ('class', 'region', 'level'):
        with pytest.raises(ValueError, match="'zebra'"):
            parts_of(foreign, by)


def test_no_images(make_results):
    assert [parts_of(make_results(), by) for by in PARTS_BY] == [{}] * len(PARTS_BY)
