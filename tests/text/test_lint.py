"""The linter: each remark for the prompt that deserves it, and none for a good one."""

from time import process_time

import pytest

from mmdet_medglip.text import lint_prompt, load_tokenizer, prompt_from_phrases


@pytest.fixture(scope='module')
def tokenizer():
    return load_tokenizer('bundled')


@pytest.mark.parametrize(
    ('text', 'options', 'expected'),
    [
        pytest.param('liver, Liver', {}, ('duplicate', 'warning', (7, 12)), id='duplicate'),
        pytest.param('liver, hepar', {}, ('synonym', 'warning', (7, 12)), id='synonym'),
        pytest.param('no cyst', {}, ('negated', 'warning', (0, 7)), id='negated'),
        pytest.param(
            'heart size is normal', {}, ('not-groundable', 'warning', (0, 20)), id='normal'
        ),
        pytest.param(
            'bilateral left effusion',
            {'modality': 'xray'},
            ('side-conflict', 'warning', (0, 23)),
            id='both-and-one',
        ),
        pytest.param(
            'left right kidney', {}, ('side-conflict', 'warning', (0, 17)), id='left-and-right'
        ),
        pytest.param('lvier', {}, ('unknown', 'warning', (0, 5)), id='unknown'),
        pytest.param(
            'cat', {'vocabulary': ['liver']}, ('unknown', 'warning', (0, 3)), id='not-in-vocabulary'
        ),
        pytest.param(
            'polyp', {'modality': 'CT'}, ('modality', 'warning', (0, 5)), id='foreign-to-modality'
        ),
        pytest.param('nodule', {}, ('ambiguous', 'note', (0, 6)), id='ambiguous'),
        pytest.param('🫁', {}, ('no-word', 'warning', (0, 1)), id='no-word'),
    ],
)
def test_remarks(tokenizer, text, options, expected):
    tokens, remark = lint_prompt(text, tokenizer, **options)
    assert (tokens.code, tokens.severity) == ('tokens', 'note')
    assert (remark.code, remark.severity, remark.span) == expected


@pytest.mark.parametrize(
    ('text', 'options'),
    [
        pytest.param('liver, left kidney, right kidney', {'modality': 'ct'}, id='organs'),
        pytest.param('nodule', {'modality': 'ultrasound'}, id='modality-decides'),
        pytest.param('left and right kidneys', {}, id='sides-joined'),
        pytest.param('nodule in the left lung, nodule in the right lung', {}, id='two-places'),
        pytest.param('livers', {'vocabulary': ['liver']}, id='plural-of-the-vocabulary'),
        pytest.param('hepar', {'vocabulary': ['liver']}, id='synonym-of-the-vocabulary'),
    ],
)
def test_good_prompts_have_tokens_only(tokenizer, text, options):
    assert [remark.code for remark in lint_prompt(text, tokenizer, **options)] == ['tokens']


@pytest.mark.parametrize(
    ('limit', 'code', 'message'),
    [
        pytest.param(256, 'tokens', '2 phrases, 6 tokens of at most 256.', id='fits'),
        pytest.param(5, 'tokens', '2 phrases, 6 tokens, in 2 parts of at most 5.', id='parts'),
        pytest.param(3, 'too-long', 'more than the limit of 3', id='too-long'),
    ],
)
def test_tokens_are_counted(tokenizer, limit, code, message):
    # [CLS] liver . left kidney [SEP]; each part has its own [CLS], full stop and [SEP].
    remark = lint_prompt('liver, left kidney', tokenizer, limit)[0]
    assert remark.code == code
    assert message in remark.message


def test_suggestions_name_what_is_known(tokenizer):
    assert 'liver' in lint_prompt('lvier', tokenizer)[1].suggestion
    remark = lint_prompt('splene', tokenizer, vocabulary=['spleen', 'liver'])[1]
    assert remark.suggestion == 'Nearest known: spleen.'


def test_sentences_ask_for_what_can_be_grounded(tokenizer):
    text = 'No effusion. Polyp in the colon.'
    remarks = lint_prompt(text, tokenizer, modality='ct', sentences=True)
    assert [(r.code, r.severity, r.span) for r in remarks] == [
        ('tokens', 'note', None),
        ('negated', 'note', (3, 11)),
        ('modality', 'warning', (13, 18)),
    ]


@pytest.mark.parametrize(
    ('text', 'sentences', 'code'),
    [
        pytest.param('', False, 'unreadable', id='empty-list'),
        pytest.param('["liver"', False, 'unreadable', id='broken-json'),
        pytest.param('Heart is normal.', True, 'empty', id='nothing-to-ground'),
    ],
)
def test_what_the_model_would_refuse_is_an_error(tokenizer, text, sentences, code):
    remark = lint_prompt(text, tokenizer, sentences=sentences)[0]
    assert (remark.code, remark.severity) == (code, 'error')


def test_prompts_are_taken_too(tokenizer):
    prompt = prompt_from_phrases(['liver', 'no cyst'])
    assert [r.span for r in lint_prompt(prompt, tokenizer)] == [None, (7, 14)]


def test_unknown_modality_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="Unknown modality 'xyz'"):
        lint_prompt('liver', tokenizer, modality='xyz')


def test_many_unknown_phrases_take_seconds_not_minutes(tokenizer):
    started = process_time()
    remarks = lint_prompt(', '.join(f'phrase {i}' for i in range(5000)), tokenizer)
    assert len(remarks) == 5001
    assert process_time() - started < 20
