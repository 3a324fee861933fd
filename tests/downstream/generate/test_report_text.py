"""Reports say the truth, and reading them gives it back."""

import pytest

from mmdet_medglip.downstream.generate import (
    facts_of,
    findings_of_report,
    findings_of_truth,
    write_findings,
    write_impression,
)
from mmdet_medglip.structures import Instance, Record

LABELS = ('liver', 'spleen', 'kidney_left', 'kidney_right', 'kidney_stone', 'liver_lesion')
LEFT = Instance((50, 40, 70, 60), label='kidney_left')
RIGHT = Instance((10, 40, 30, 60), label='kidney_right')
LEFT_STONE = Instance((55, 45, 61, 49), label='kidney_stone')
RIGHT_STONE = Instance((14, 45, 20, 50), label='kidney_stone')
LESION = Instance((10, 10, 20, 20), label='liver_lesion')
LIVER = Instance((5, 5, 60, 60), label='liver')
SPLEEN = Instance((70, 5, 85, 20), label='spleen')


def facts(*instances: Instance, image_id: str = 'a'):
    return facts_of(
        Record(image_id, 90, 90, 'ct', 'demo', 'p1', spacing_mm=(1.0, 1.0), instances=instances),
        LABELS,
    )


CASES = [
    pytest.param((LIVER, SPLEEN), set(), id='nothing found'),
    pytest.param((LEFT, LEFT_STONE), {('kidney_stone', 'left')}, id='one side'),
    pytest.param(
        (LEFT, RIGHT, LEFT_STONE, RIGHT_STONE),
        {('kidney_stone', 'left'), ('kidney_stone', 'right')},
        id='both sides',
    ),
    pytest.param((LIVER, LESION, LESION), {('liver_lesion', '')}, id='several without side'),
    pytest.param(
        (LIVER, LESION, LEFT, LEFT_STONE),
        {('liver_lesion', ''), ('kidney_stone', 'left')},
        id='two findings',
    ),
    pytest.param((), set(), id='empty image'),
]


@pytest.mark.parametrize(('instances', 'findings'), CASES)
def test_truth(instances, findings):
    assert findings_of_truth(facts(*instances)) == findings


@pytest.mark.parametrize(('instances', 'findings'), CASES)
@pytest.mark.parametrize('image_id', list('abcdefgh'))
def test_reading_a_report_gives_the_truth_back_in_every_wording(instances, findings, image_id):
    text = write_findings(facts(*instances, image_id=image_id), seed=0)
    assert findings_of_report(text, LABELS) == findings, text


def test_organs_with_a_finding_are_not_called_normal():
    text = write_findings(facts(LIVER, SPLEEN, LESION), seed=0)
    assert 'spleen' in text.lower()
    assert 'liver' not in text.lower().replace('liver lesion', '')


def test_sizes_are_in_steps_of_five_mm():
    text = write_findings(facts(LIVER, Instance((10, 10, 22, 20), label='liver_lesion')), seed=0)
    assert '10 mm' in text


def test_an_impression_names_findings_only():
    assert write_impression(facts(LIVER, LESION, LEFT, LEFT_STONE)) == (
        'Kidney stone and liver lesion.'
    )
    assert write_impression(facts(LIVER)) == 'No abnormality.'


def test_what_is_not_asked_for_is_not_read():
    assert findings_of_report('A pulmonary nodule. No kidney stone.', LABELS) == frozenset()
