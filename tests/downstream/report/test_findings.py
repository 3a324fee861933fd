import pytest

from mmdet_medglip.downstream.report.findings import Finding, find_findings

BOTH = frozenset({'left', 'right'})


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('', [], id='blank'),
        pytest.param('Lungs are clear.', [], id='only normal'),
        pytest.param('No effusion.', [('pleural_effusion', 'negated', set())], id='negated'),
        pytest.param('No effusion. Left effusion.',
                     [('pleural_effusion', 'positive', {'left'})], id='positive goes first'),
        pytest.param('Left effusion. No effusion.',
                     [('pleural_effusion', 'positive', {'left'})], id='in any order'),
        pytest.param('Left effusion. Right effusion.',
                     [('pleural_effusion', 'positive', BOTH)], id='sides add up'),
        pytest.param('Bilateral effusions.',
                     [('pleural_effusion', 'positive', BOTH)], id='bilateral'),
        pytest.param('Heart size is normal.',
                     [('cardiomegaly', 'negated', set())], id='normal heart'),
        pytest.param('Heart size is normal. Cardiomegaly.',
                     [('cardiomegaly', 'positive', set())], id='said otherwise later'),
        pytest.param('INDICATION: Pneumonia. FINDINGS: Scoliosis.',
                     [('scoliosis', 'positive', set())], id='history does not count'),
        pytest.param('Right catheter.', [('catheter', 'positive', {'right'})], id='device'),
    ],
)  # fmt: skip
def test_findings_of_a_report(text, expected):
    found = find_findings(text, modality='xray')
    assert list(found.values()) == [Finding(n, s, frozenset(sides)) for n, s, sides in expected]
    assert list(found) == [name for name, _, _ in expected]


def test_what_is_supposed_can_be_left_out():
    text = 'Possible pneumonia.'
    assert find_findings(text)['pneumonia'].state == 'positive'
    assert find_findings(text, uncertain='left out') == {}


def test_structures_count_if_asked():
    text = 'The left kidney is seen. A stone in the right kidney.'
    found = find_findings(text, modality='ct', kinds=('finding', 'structure'))
    assert found['kidney'] == Finding('kidney', 'positive', frozenset({'left'}))
    assert found['kidney_stone'].sides == {'right'}


def test_an_unknown_modality_is_an_error():
    with pytest.raises(ValueError, match="Unknown modality 'smell'"):
        find_findings('Effusion.', modality='smell')
