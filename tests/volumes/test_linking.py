import numpy as np
import pytest

from mmdet_medglip.volumes import LinkSettings, SliceBoxes, enclosing_volume_box, link_boxes

A, B, FAR = (
    [0, 0, 10, 10],
    [2, 0, 12, 10],
    [50, 50, 60, 60],
)  # 80 of 100 pixels shared, IoU 80 / 120


def slice_boxes(*rows):
    """Rows of (slice, box, score, label)."""
    return SliceBoxes(
        [box for _, box, _, _ in rows],
        [number for number, *_ in rows],
        [score for _, _, score, _ in rows],
        [label for *_, label in rows],
    )


def test_neighbours_that_overlap_become_the_smallest_box_around_them():
    found = link_boxes(slice_boxes((4, A, 0.9, 1), (5, B, 0.8, 1), (6, FAR, 0.7, 1)))
    assert found.boxes.tolist() == [[0, 0, 4, 12, 10, 6], [50, 50, 6, 60, 60, 7]]
    assert (found.scores.tolist(), found.labels.tolist()) == ([0.9, 0.7], [1, 1])
    assert found.members == ((0, 1), (2,))
    assert found.left_out == {}


def test_nothing_gives_nothing():
    found = link_boxes(SliceBoxes([], [], [], []))
    assert (len(found), found.boxes.shape, found.members) == (0, (0, 6), ())


@pytest.mark.parametrize(
    ('rows', 'settings', 'objects'),
    [
        pytest.param([(0, A, 0.9, 0), (1, A, 0.9, 1)], {}, 2, id='labels-are-apart'),
        pytest.param([(0, A, 0.9, 0), (1, B, 0.9, 0)], {'overlap': 0.8}, 1, id='just-overlaps'),
        pytest.param([(0, A, 0.9, 0), (1, B, 0.9, 0)], {'overlap': 0.81}, 2, id='just-not'),
        pytest.param([(0, A, 0.9, 0), (2, A, 0.9, 0)], {}, 1, id='gap-of-one'),
        pytest.param([(0, A, 0.9, 0), (2, A, 0.9, 0)], {'max_gap': 0}, 2, id='no-gap-allowed'),
        pytest.param([(0, A, 0.9, 0), (3, A, 0.9, 0)], {}, 2, id='gap-of-two'),
        pytest.param([(0, A, 0.9, 0), (0, B, 0.8, 0)], {'nms_iou': 1.0}, 2, id='one-slice'),
        pytest.param([(0, A, 0.9, 0), (0, B, 0.8, 0)], {}, 1, id='duplicates-on-one-slice'),
        pytest.param([(0, A, 0.9, 0), (0, B, 0.8, 1)], {}, 2, id='duplicates-of-two-labels'),
        pytest.param([(0, A, 0.9, 0)], {'min_slices': 2}, 0, id='too-few-slices'),
        pytest.param([(0, A, 0.9, 0)], {'min_score': 0.91}, 0, id='too-faint'),
    ],
)
def test_number_of_objects(rows, settings, objects):
    assert len(link_boxes(slice_boxes(*rows), LinkSettings(**settings))) == objects


def test_an_object_that_grows_fast_is_one():
    small = [4, 4, 6, 6]
    rows = [(0, small, 0.9, 0), (1, A, 0.9, 0), (2, small, 0.9, 0)]
    assert link_boxes(slice_boxes(*rows)).boxes.tolist() == [[0, 0, 0, 10, 10, 3]]


def test_the_nearer_slice_goes_before_the_larger_overlap():
    """A box is joined to B on the next slice, though A itself comes again one slice later."""
    found = link_boxes(
        slice_boxes((0, A, 0.9, 0), (1, B, 0.8, 0), (2, A, 0.7, 0)), LinkSettings(nms_iou=1.0)
    )
    assert found.members == ((0, 1, 2),)


def test_of_two_rivals_the_larger_overlap_wins():
    near = [1, 0, 11, 10]  # IoU with A 90 / 110
    rows = [(0, A, 0.9, 0), (1, B, 0.8, 0), (1, near, 0.7, 0)]
    assert link_boxes(slice_boxes(*rows), LinkSettings(nms_iou=1.0)).members == ((0, 2), (1,))


def test_faint_ends_are_cut_and_counted():
    rows = [(k, A, score, 0) for k, score in enumerate([0.1, 0.5, 0.2, 0.8, 0.3])]
    found = link_boxes(slice_boxes(*rows), LinkSettings(end_score=0.5))
    assert found.boxes.tolist() == [[0, 0, 1, 10, 10, 4]], 'faint slices between stay'
    assert found.left_out == {'faint end of an object': 2}
    everything = link_boxes(slice_boxes(*rows), LinkSettings(end_score=0))
    assert everything.boxes.tolist() == [[0, 0, 0, 10, 10, 5]]


def test_what_is_left_out_is_counted_by_reason():
    rows = [(0, A, 0.9, 0), (1, A, 0.9, 0), (0, B, 0.5, 0), (1, B, 0.5, 0), (5, A, 0.6, 0)]
    rows += [(9, A, 0.01, 0)]
    found = link_boxes(slice_boxes(*rows), LinkSettings(min_score=0.1, min_slices=2))
    assert found.members == ((0, 1),)
    assert found.left_out == {
        'score below min_score': 1,
        'object on too few slices': 1,
        'object over a surer one': 2,
    }
    assert sum(found.left_out.values()) + 2 == len(rows), 'every box is somewhere'


@pytest.mark.parametrize(
    ('score', 'expected'),
    [pytest.param('max', 0.8, id='max'), pytest.param('mean', (0.8 + 0.4) / 3, id='mean-of-span')],
)
def test_score_of_an_object(score, expected):
    rows = [(3, A, 0.8, 0), (5, A, 0.4, 0)]
    found = link_boxes(slice_boxes(*rows), LinkSettings(score=score))
    assert found.scores.tolist() == [pytest.approx(expected)]


def test_every_third_slice_stands_for_three():
    rows = [(3, A, 0.8, 0), (6, A, 0.8, 0), (12, A, 0.7, 0), (21, A, 0.6, 0)]
    found = link_boxes(slice_boxes(*rows), step=3)
    assert found.boxes[:, [2, 5]].tolist() == [[2, 14], [20, 23]]
    assert enclosing_volume_box([A], [3]).tolist() == [0, 0, 3, 10, 10, 4]
    with pytest.raises(ValueError, match='step must be at least 1, got 0'):
        link_boxes(slice_boxes(*rows), step=0)


def test_a_slice_at_the_end_stands_for_those_that_there_are():
    found = link_boxes(
        slice_boxes((0, [-1, 2, 6, 9], 0.8, 0), (4, A, 0.9, 0), (8, A, 0.7, 0)), step=4
    )
    assert found.boxes.tolist() == [[-1, 0, -1.5, 10, 10, 10.5]]
    inside = found.clipped((7, 9, 10))
    assert inside.boxes.tolist() == [[0, 0, 0, 9, 7, 10]]
    assert (inside.scores.tolist(), inside.members) == (found.scores.tolist(), found.members)
    nothing = link_boxes(SliceBoxes([], [], [], [])).clipped((7, 9, 10))
    assert nothing.boxes.shape == (0, 6)


def leaning_objects(seed=0):
    """Three objects that lean through 12 slices, with boxes missing, and false boxes."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, start in enumerate(([10, 10], [60, 20], [30, 80])):
        for k in range(12):
            if rng.random() < 0.8:
                low = np.array(start) + 1.5 * k + rng.uniform(-0.5, 0.5, 2)
                rows.append((k, [*low, *(low + 20)], rng.uniform(0.5, 1), number % 2))
    rows += [(int(k), FAR, 0.05 * (k + 1), 0) for k in rng.integers(0, 12, 2)]
    return rows


def objects_of(rows, order, flip=None):
    rows = [rows[i] for i in order]
    if flip is not None:
        rows = [(flip - k, box, score, label) for k, box, score, label in rows]
    found = link_boxes(slice_boxes(*rows), LinkSettings(end_score=0))
    return {frozenset(order[row] for row in members) for members in found.members}


def test_order_and_direction_leave_no_trace():
    for seed in range(5):
        rows = leaning_objects(seed)
        order = list(range(len(rows)))
        expected = objects_of(rows, order)
        assert objects_of(rows, list(np.random.default_rng(1).permutation(order))) == expected
        assert objects_of(rows, order, flip=11) == expected
        assert len(expected) < len(rows) / 3


def test_pixel_size_does_not_matter():
    rows = leaning_objects()
    wide = [(k, [4 * x1, y1, 4 * x2, y2], s, c) for k, (x1, y1, x2, y2), s, c in rows]
    order = list(range(len(rows)))
    assert objects_of(wide, order) == objects_of(rows, order)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        pytest.param({'overlap': 0}, r'overlap must lie in \(0, 1\], got 0', id='overlap'),
        pytest.param({'nms_iou': 1.5}, 'nms_iou', id='nms'),
        pytest.param({'max_gap': -1}, 'max_gap must be a whole number >= 0', id='gap'),
        pytest.param({'min_slices': 0}, 'min_slices', id='slices'),
        pytest.param({'end_score': 2}, 'end_score', id='end'),
        pytest.param({'score': 'sum'}, 'score must be one of', id='score'),
    ],
)
def test_settings_are_checked(values, message):
    with pytest.raises(ValueError, match=message):
        LinkSettings(**values)
