"""The real worker in a real process, with a stand-in for the package that it imports."""

import sys
from pathlib import Path

import pytest

from mmdet_medglip.downstream.report.radeval_scores import radeval_scores

PACKAGE = """
import os, sys
print('noise on standard output')
class RadEval:
    def __init__(self, metrics, show_progress):
        self.name, = metrics
        if self.name == 'bertscore':
            assert os.environ['HF_HUB_OFFLINE'] == '1'
            raise OSError("We couldn't connect to 'https://huggingface.co'\\nto load the files")
        if self.name == 'ratescore':
            import a_module_that_is_not_there
        if self.name == 'green':
            os._exit(3)
    def __call__(self, refs, hyps):
        if self.name == 'radgraph':
            return {'radgraph_simple': float('nan')}
        return {self.name: sum(map(str.__eq__, refs, hyps)) / len(refs)}
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    (tmp_path / 'radeval.py').write_text(PACKAGE)
    program = tmp_path / 'python'
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


def test_what_fails_leaves_the_rest(python):
    metrics = ['bleu', 'bertscore', 'ratescore', 'radgraph', 'rouge', 'green', 'temporal']
    scores = radeval_scores(['a', 'b'], ['a', 'c'], metrics, python)
    assert scores.figures == {'radeval/bleu': 0.5, 'radeval/rouge': 0.5}
    lines = scores.unavailable
    assert lines.keys() == {f'radeval/{m}' for m in metrics} - scores.figures.keys()
    assert 'weights are not here; --allow-download' in lines['radeval/bertscore']
    assert "No module named 'a_module_that_is_not_there'" in lines['radeval/ratescore']
    assert 'no number for radgraph_simple' in lines['radeval/radgraph']
    assert 'ended with code 3' in lines['radeval/green']
    assert 'ended with code 3' in lines['radeval/temporal']
    assert not any('\n' in line for line in lines.values())


@pytest.mark.parametrize(
    ('python', 'line'),
    [
        pytest.param(None, 'python -m venv .venv-radeval', id='no environment'),
        pytest.param(Path('/nowhere/python'), 'no Python at /nowhere/python', id='no program'),
    ],
)
def test_without_radeval_there_is_one_line(python, line):
    scores = radeval_scores(['a'], ['a'], ['bleu'], python)
    assert scores.figures == {}
    assert line in scores.unavailable['radeval/bleu']


def test_an_environment_without_the_package(tmp_path):
    scores = radeval_scores(['a'], ['a'], ['bleu'], Path(sys.executable))
    assert "No module named 'radeval'" in scores.unavailable['radeval/bleu']


def test_a_limit_of_time(tmp_path):
    program = tmp_path / 'python'
    program.write_text('#!/bin/sh\nexec sleep 60\n')
    program.chmod(0o755)
    scores = radeval_scores(['a'], ['a'], ['bleu'], program, seconds=0.2)
    assert scores.unavailable == {'radeval/bleu': 'not done after 0.2 seconds'}


@pytest.mark.parametrize('metric', ['crimson', 'radfact_ct', 'mammo_green', 'BLEU'])
def test_metrics_that_send_reports_elsewhere_are_refused(metric):
    with pytest.raises(ValueError, match='not local metric'):
        radeval_scores(['a'], ['a'], [metric], None)
