import json
import math

import pytest

from mmdet_medglip.engine.task_comparison import (
    Comparison,
    changes_table,
    read_comparison,
    runs_table,
    write_comparison,
)
from mmdet_medglip.evaluation.functional import TaskChange

RUN = Comparison(
    'base.pth',
    'LoRA',
    1000,
    20,
    [
        TaskChange('new', 'AP50', 0.125, 0.5),
        TaskChange('new', 'AP', 0.0625, 0.25),
        TaskChange('old', 'AP50', 0.75, 0.625),
        TaskChange('old', 'AP', math.nan, 0.5),
    ],
)


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


def test_the_table_of_a_training_has_values_computed_by_hand():
    found = rows(changes_table(RUN))
    assert ['LoRA:', 'before', 'and', 'after'] in found
    assert ['new', 'AP50', '0.125', '0.500', '+0.375'] in found
    assert ['old', 'AP50', '0.750', '0.625', '-0.125'] in found
    assert ['old', 'AP', '-', '0.500', '-'] in found


def test_runs_stand_side_by_side():
    probe = Comparison('base.pth', 'LinearProbe', 1000, 5, [TaskChange('new', 'AP50', 0.125, 0.25)])
    found = rows(runs_table(dict(lora=RUN, probe=probe), 'AP50'))
    values = ['lora', '20', '0.125', '0.500', '+0.375', '0.750', '0.625', '-0.125']
    assert values in found
    assert ['probe', '5', '0.125', '0.250', '+0.125', '-', '-', '-'] in found


def test_the_file_holds_the_same_and_is_json_to_others(tmp_path):
    path = tmp_path / 'c.json'
    write_comparison(path, RUN)
    content = json.loads(path.read_text())
    assert content['tasks']['new']['AP50'] == dict(before=0.125, after=0.5, change=0.375)
    assert content['tasks']['old']['AP'] == dict(before=None, after=0.5, change=None)
    assert (content['base'], content['trainable']) == ('base.pth', 20)
    again = read_comparison(path)
    assert again.changes[:3] == RUN.changes[:3]
    assert math.isnan(again.changes[3].before)


@pytest.mark.parametrize('text', ['{', '[]', '{}', '{"tasks": {"a": {"AP": 1}}}'])
def test_another_file_is_refused_by_name(text, tmp_path):
    path = tmp_path / 'c.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'c\.json is no comparison of tasks'):
        read_comparison(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'There is no .*c\.json; a training'):
        read_comparison(tmp_path / 'c.json')


def test_a_metric_of_no_run_is_named():
    with pytest.raises(ValueError, match="No run has the metric 'AP75'; there are AP, AP50"):
        runs_table(dict(lora=RUN), 'AP75')
