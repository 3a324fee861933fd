import math

import pytest

from mmdet_medglip.downstream.report.finding_counts import FindingCounts
from mmdet_medglip.downstream.report.finding_scores import FindingScores, compare_findings
from mmdet_medglip.downstream.report.findings import find_findings

REFERENCE = 'Small left effusion. Cardiomegaly. No pneumothorax. No consolidation.'


def scores(reference, generated):
    found = [find_findings(text, modality='xray') for text in (reference, generated)]
    return compare_findings(*found)


@pytest.mark.parametrize(
    ('generated', 'positive', 'negated', 'sided', 'contradictions'),
    [
        pytest.param(REFERENCE, (2, 0, 0), (2, 0, 0), (2, 0, 0), 0, id='the same'),
        pytest.param('', (0, 0, 2), (0, 0, 2), (0, 0, 2), 0, id='nothing'),
        pytest.param(
            'Right effusion. Heart is enlarged. No pneumothorax or consolidation.',
            (2, 0, 0), (2, 0, 0), (1, 1, 1), 0, id='other side, other words',
        ),
        pytest.param(
            'Bilateral effusions.', (1, 0, 1), (0, 0, 2), (1, 1, 1), 0, id='one side too many'
        ),
        pytest.param('Effusion.', (1, 0, 1), (0, 0, 2), (0, 1, 2), 0, id='side not said'),
        pytest.param(
            'No effusion. Pneumothorax. Scoliosis.', (0, 2, 2), (0, 1, 2), (0, 2, 2), 2,
            id='contradictions',
        ),
    ],
)  # fmt: skip
def test_counts_by_hand(generated, positive, negated, sided, contradictions):
    found = scores(REFERENCE, generated)
    assert found.positive == FindingCounts(*positive)
    assert found.negated == FindingCounts(*negated)
    assert found.sided == FindingCounts(*sided)
    assert found.contradictions == contradictions


def test_figures_of_two_reports_by_hand():
    first = scores('Effusion. Pneumonia.', 'Effusion. Scoliosis.')
    second = scores('Effusion.', 'Lungs are clear.')
    total = FindingScores.total([first, second])
    assert total == first + second
    assert total.positive == FindingCounts(hits=1, extra=1, missed=2)
    assert total.by_name == {
        'pleural_effusion': FindingCounts(1, 0, 1),
        'pneumonia': FindingCounts(0, 0, 1),
        'scoliosis': FindingCounts(0, 1, 0),
    }
    figures = total.figures()
    assert figures['findings/positive_precision'] == 1 / 2
    assert figures['findings/positive_recall'] == 1 / 3
    assert figures['findings/positive_F1'] == 2 / 5
    # Effusion has F1 2/3, pneumonia 0; scoliosis is in no reference.
    assert figures['findings/macro_F1'] == pytest.approx(1 / 3)


def test_without_any_finding_nothing_is_defined():
    figures = scores('Lungs are clear.', '').figures()
    assert math.isnan(figures['findings/positive_F1'])
    assert math.isnan(figures['findings/macro_F1'])
    assert figures['findings/contradictions'] == 0
    assert FindingScores.total([]) == FindingScores()


def test_swapping_the_two_swaps_precision_and_recall():
    one, other = (
        scores(REFERENCE, 'Effusion. Scoliosis.'),
        scores('Effusion. Scoliosis.', REFERENCE),
    )
    assert one.positive.precision == other.positive.recall
    assert one.positive.f1 == other.positive.f1
    assert one.contradictions == other.contradictions
