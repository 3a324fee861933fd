import math

import pytest

from mmdet_medglip.evaluation.functional import task_changes


def test_changes_are_after_minus_before_task_by_task():
    before = {'new/AP': 0.125, 'old/AP': 0.75, 'new/AP50': 0.25, 'old/AP50': 1.0}
    after = {'new/AP': 0.5, 'old/AP': 0.5, 'new/AP50': 0.75, 'old/AP50': 0.875, 'old/x/AP': 0.0}
    changes = task_changes(before, after, ['new', 'old'], ['AP50', 'AP'])
    assert [(c.task, c.metric, c.before, c.after, c.change) for c in changes] == [
        ('new', 'AP50', 0.25, 0.75, 0.5),
        ('new', 'AP', 0.125, 0.5, 0.375),
        ('old', 'AP50', 1.0, 0.875, -0.125),
        ('old', 'AP', 0.75, 0.5, -0.25),
    ]


@pytest.mark.parametrize(
    ('before', 'after'),
    [({}, {'a/AP': 0.5}), ({'a/AP': 0.5}, {})],
    ids=['not-before', 'not-after'],
)
def test_what_was_not_measured_is_nan(before, after):
    (change,) = task_changes(before, after, ['a'], ['AP'])
    assert math.isnan(change.before) == (not before)
    assert math.isnan(change.after) == (not after)
    assert math.isnan(change.change)


def test_a_metric_of_no_task_is_named():
    with pytest.raises(ValueError, match=r"No task has the metric 'AP75'; there are a/AP\."):
        task_changes({}, {'a/AP': 0.5}, ['a'], ['AP75'])
