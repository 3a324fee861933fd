"""One sentence: what is there, what is not and why, where, and how sure."""

import pytest

from mmdet_medglip.text import parse_report

YES, NO, NEITHER = 'groundable', 'negated', 'not_groundable'


def statuses(text: str) -> list[tuple[str, str]]:
    return [(mention.text, mention.status) for mention in parse_report(text).mentions]


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('No pleural effusion.', [('pleural effusion', NO)], id='no'),
        pytest.param(
            'No effusion or pneumothorax.', [('effusion', NO), ('pneumothorax', NO)], id='or'
        ),
        pytest.param(
            'No edema, mass, or effusion.',
            [('edema', NO), ('mass', NO), ('effusion', NO)],
            id='list',
        ),
        pytest.param('Without consolidation', [('consolidation', NO)], id='without'),
        pytest.param('Negative for fracture', [('fracture', NO)], id='negative-for'),
        pytest.param('Rule out pneumonia', [('pneumonia', NO)], id='rule-out'),
        pytest.param('No evidence to suggest edema', [('edema', NO)], id='through-a-verb'),
        pytest.param('The mass is not seen.', [('mass', NO)], id='behind'),
        pytest.param('The effusion has resolved.', [('effusion', NO)], id='resolved'),
        pytest.param('No effusion but a mass.', [('effusion', NO), ('mass', YES)], id='but-ends'),
        pytest.param(
            'No mass; there is edema.', [('mass', NO), ('edema', YES)], id='semicolon-ends'
        ),
        pytest.param('No mass. Edema.', [('mass', NO), ('Edema', YES)], id='sentence-ends'),
        pytest.param(
            'No edema, heart is large.',
            [('edema', NO), ('heart is large', YES)],
            id='new-subject-ends',
        ),
        pytest.param('No change in the effusion', [('effusion', YES)], id='no-change-is-no-no'),
        pytest.param('Cannot exclude pneumonia', [('pneumonia', YES)], id='cannot-exclude'),
        pytest.param('Pneumonia is not excluded', [('Pneumonia', YES)], id='not-excluded'),
    ],
)
def test_negation_and_its_scope(text, expected):
    assert statuses(text) == expected


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('Heart size is normal.', [('Heart size', 'normal')], id='normal'),
        pytest.param('Lungs: clear.', [('Lungs', 'normal')], id='colon-is-a-verb'),
        pytest.param('Clear lungs', [('Clear lungs', 'normal')], id='before-the-name'),
        pytest.param(
            'The heart and mediastinum are unremarkable.',
            [('heart', 'normal'), ('mediastinum', 'normal')],
            id='of-both',
        ),
        pytest.param(
            'Normal heart and mediastinal contours',
            [('Normal heart', 'normal'), ('mediastinal contours', 'normal')],
            id='carried-on',
        ),
        pytest.param('The spleen is stable.', [('spleen', 'unchanged')], id='unchanged'),
        pytest.param('The spleen is not visualized.', [('spleen', 'unseen')], id='unseen'),
        pytest.param('History of pneumonia', [('pneumonia', 'history')], id='history'),
        pytest.param('Evaluate for pneumonia', [('pneumonia', 'question')], id='question'),
        pytest.param('Indication: pneumonia.', [('pneumonia', 'history')], id='heading'),
        pytest.param('XXXX', [('XXXX', 'masked')], id='masked'),
        pytest.param(
            'Compared to XXXX', [('Compared to', 'comparison'), ('XXXX', 'masked')], id='c'
        ),
        pytest.param(
            'PA and lateral views', [('PA and lateral views', 'technique')], id='technique'
        ),
    ],
)
def test_what_cannot_be_grounded_has_a_reason(text, expected):
    mentions = parse_report(text).mentions
    assert [(mention.text, mention.reason) for mention in mentions] == expected
    assert {mention.status for mention in mentions} == {NEITHER}


@pytest.mark.parametrize(
    ('text', 'phrase'),
    [
        pytest.param('The aorta is tortuous.', 'aorta is tortuous', id='behind'),
        pytest.param('Tortuous aorta', 'Tortuous aorta', id='before'),
        pytest.param(
            'Lung volumes are slightly low.', 'Lung volumes are slightly low', id='adverb'
        ),
        pytest.param('Elevated left hemidiaphragm', 'Elevated left hemidiaphragm', id='side'),
    ],
)
def test_an_abnormal_structure_is_a_finding(text, phrase):
    (mention,) = parse_report(text).mentions
    assert (mention.text, mention.kind, mention.status) == (phrase, 'finding', YES)


@pytest.mark.parametrize(
    ('text', 'uncertain'),
    [
        pytest.param('Possible pneumonia', [True], id='possible'),
        pytest.param('Opacity may represent pneumonia', [False, True], id='may-represent'),
        pytest.param('Scarring versus atelectasis', [True, True], id='versus-doubts-both'),
        pytest.param('Pneumonia is possible', [True], id='behind'),
        pytest.param('Possible edema and effusion', [True, False], id='next-only'),
        pytest.param('Pneumonia', [False], id='certain'),
    ],
)
def test_doubt(text, uncertain):
    assert [mention.uncertain for mention in parse_report(text).mentions] == uncertain


@pytest.mark.parametrize(
    ('text', 'places'),
    [
        pytest.param('Nodule in the left lower lobe', ['left lower lobe'], id='behind'),
        pytest.param('Left lower lobe nodule', ['Left lower lobe'], id='before'),
        pytest.param('Right upper lobe 6 mm nodule', ['Right upper lobe'], id='before-a-measure'),
        pytest.param('The spine shows osteophytes', ['spine'], id='subject'),
        pytest.param('In the liver there is a cyst', ['liver'], id='in-front'),
        pytest.param('Mass in the liver and spleen', ['liver', 'spleen'], id='two'),
        pytest.param('Mass in the liver and the spleen is normal', ['liver'], id='new-subject'),
        pytest.param('Mass', [], id='none'),
    ],
)
def test_places(text, places):
    mention = next(m for m in parse_report(text).mentions if m.kind == 'finding')
    assert [text[start:end] for start, end in mention.locations] == places
