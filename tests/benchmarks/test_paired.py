import importlib.util
import json
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope='module')
def paired(repo_root: Path):
    spec = importlib.util.spec_from_file_location('paired', repo_root / 'benchmarks' / 'paired.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_ratio_is_the_median_of_the_turns(paired):
    turns = paired.Turns({'slow': [2.0, 9.0, 4.0], 'fast': [1.0, 3.0, 4.0]})
    assert turns.ratio('slow', 'fast') == {'ratio': 2.0, 'ratio_min': 1.0, 'ratio_max': 3.0}
    assert turns.median('slow') == 4.0


def test_rivals_take_turns_and_warm_up_is_not_counted(paired):
    order = []
    rivals = {name: lambda name=name: order.append(name) for name in ('a', 'b')}
    turns = paired.take_turns(rivals, repeats=2, warmup=1)
    assert order == ['a', 'b'] * 3
    assert [len(seconds) for seconds in turns.seconds.values()] == [2, 2]


@pytest.mark.parametrize('as_json', [False, True])
def test_last_line_is_json_if_asked_for(paired, capsys, as_json):
    paired.print_figures({'ratio': 2.5, 'device': 'cpu'}, as_json)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [['ratio', '2.5'], ['device', 'cpu']]
    assert len(lines) == 2 + as_json
    assert not as_json or json.loads(lines[-1]) == {'ratio': 2.5, 'device': 'cpu'}
