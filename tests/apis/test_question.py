import pytest

from mmdet_medglip.apis import Question, read_question, read_questions
from mmdet_medglip.text import prompt_from_caption, prompt_from_phrases


@pytest.mark.parametrize(
    ('prompt', 'phrases', 'negated'),
    [
        pytest.param('Detect: liver, spleen', ('liver', 'spleen'), (False, False), id='grammar'),
        pytest.param(['liver', 'spleen'], ('liver', 'spleen'), (False, False), id='list'),
        pytest.param(['liver', ' Liver '], ('liver',), (False,), id='equal-words-once'),
        pytest.param('no effusion', ('effusion',), (True,), id='negated'),
        pytest.param(
            'no left kidney cyst, liver', ('left kidney cyst', 'liver'), (True, False), id='side'
        ),
        pytest.param('cyst, no cyst', ('cyst',), (False,), id='said-and-negated-is-said'),
        pytest.param(prompt_from_phrases(['liver']), ('liver',), (False,), id='prompt'),
        pytest.param('zebra', ('zebra',), (False,), id='unknown-words'),
    ],
)
def test_lists(prompt, phrases, negated):
    question = read_question(prompt)
    assert question.phrases == phrases
    assert question.negated == negated


def test_a_caption_keeps_its_spans():
    prompt = prompt_from_caption('A nodule in the left lung.', [[[2, 8]]])
    question = read_question(prompt)
    assert question.prompt is prompt
    assert question.negated == (False,)


def test_a_report_asks_for_what_it_says_and_what_it_denies():
    question = read_question('No effusion. Nodule in the left lung. Heart is normal.', report=True)
    assert question.phrases == ('effusion', 'Nodule')
    assert question.negated == (True, False)
    assert question.left_out == (('Heart', 'normal'),)


def test_one_for_all_or_one_for_each():
    assert isinstance(read_questions(['liver', 'spleen'], 2), Question)
    first, second = read_questions([['liver'], 'Detect: spleen, cyst'], 2)
    assert first.phrases == ('liver',)
    assert second.phrases == ('spleen', 'cyst')
    reports = read_questions(['No effusion.', 'A nodule.'], 2, report=True)
    assert [one.phrases for one in reports] == [('effusion',), ('nodule',)]


@pytest.mark.parametrize(
    ('prompt', 'options', 'message'),
    [
        pytest.param('', {}, 'Empty prompt', id='empty'),
        pytest.param([], {}, 'Empty prompt', id='empty-list'),
        pytest.param(3, {}, 'string or a list, got int', id='number'),
        pytest.param([['liver']], {}, '1 prompts for 2 inputs', id='count'),
        pytest.param([['liver'], [3]], {}, r'Prompt 1: .* got 3 in it', id='which'),
        pytest.param('Heart is normal.', {'report': True}, 'Nothing to look for', id='report'),
        pytest.param('a \ud800', {}, 'lone surrogate', id='no-text'),
    ],
)
def test_bad_prompts_are_one_error(prompt, options, message):
    with pytest.raises(ValueError, match=message):
        read_questions(prompt, 2, **options)
