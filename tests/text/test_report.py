"""Texts: headings, captions, lists, and texts that are none; the rest is told by sentence."""

import random
from time import process_time

import pytest

from mmdet_medglip.ingest.captions import caption_of
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.text import parse_phrases, parse_report

YES, NO, NEITHER = 'groundable', 'negated', 'not_groundable'


def statuses(text: str) -> list[tuple[str, str]]:
    return [(mention.text, mention.status) for mention in parse_report(text).mentions]


def test_headings_hold_until_the_next():
    text = 'HISTORY: Mass.\nPrior edema.\nFINDINGS: Effusion.'
    assert statuses(text) == [('Mass', NEITHER), ('Prior edema', NEITHER), ('Effusion', YES)]


def test_in_a_text_of_capitals_a_pronoun_is_no_abbreviation():
    assert statuses('HE HAS EDEMA') == [('EDEMA', YES)]


def test_captions_of_records_are_read_back():
    ontology = Ontology.default()
    findings = [label for label in ontology.labels if ontology.is_lesion(label)]
    draw = random.Random(0)
    for number in range(100):
        instances = tuple(Instance((0, 0, 2, 2), label) for label in draw.choices(findings, k=3))
        caption = caption_of(Record(f'{number}', 8, 8, 'ct', 's', 'p', instances=instances))
        read = {m.span for m in parse_report(caption.text).of_status('groundable')}
        assert {span for spans in caption.spans for span in spans} <= read, caption.text


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('liver, left kidney', [('liver', YES), ('left kidney', YES)], id='list'),
        pytest.param('Detect: no cyst', [('no cyst', NO)], id='negated'),
        pytest.param('cup . mole .', [('cup', YES), ('mole', YES)], id='common-words-are-names'),
        pytest.param('banana', [('banana', YES)], id='anything'),
        pytest.param('heart size is normal', [('heart size is normal', NEITHER)], id='normal'),
        pytest.param('["liver"]', [('liver', YES)], id='json'),
    ],
)
def test_listed_phrases_are_one_mention_each(text, expected):
    parsed = parse_phrases(text)
    assert [(mention.text, mention.status) for mention in parsed.mentions] == expected
    for mention in parsed.mentions:
        assert parsed.text[mention.span[0] : mention.span[1]] == mention.text


def test_unknown_phrases_keep_side_and_attributes():
    (mention,) = parse_phrases('small left banana').mentions
    assert (mention.kind, mention.side, mention.labels) == ('other', 'left', ())
    assert [a.text for a in mention.attributes] == ['small']


LONG = 100_000
HOSTILE = {
    'one-word': 'a' * LONG,
    'blanks': ' ' * LONG,
    'blanks-inside': 'a' + ' ' * LONG + 'b',
    'line-breaks': '\n' * LONG,
    'emoji': '🫁' * LONG,
    'right-to-left': 'عقدة في الرئة ' * (LONG // 14),
    'control': '\x00\x01' * (LONG // 2),
    'dots': '.' * LONG,
    'punctuation': '!?;,-' * (LONG // 5),
    'brackets': '[' * LONG,
    'numbers': '1 ' * (LONG // 2),
    'sizes': '1x' * (LONG // 2),
    'modifiers': 'left and ' * (LONG // 9),
    'names': 'lung ' * (LONG // 5),
    'negations': 'no ' * (LONG // 3),
    'cues-behind': 'heart, ' * 7000 + 'not seen ' * 5000,
    'states-behind': 'heart, ' * 7000 + 'normal ' * 7000,
    'places': 'nodule in the left lung ' * (LONG // 24),
    'touching': 'heart 5 mm nodule, ' * (LONG // 19),
    'masks': 'XXXX ' * (LONG // 5),
    'words': ' '.join(f'w{number}' for number in range(15_000)),
    'phrases': ', '.join(f'phrase {number}' for number in range(10_000)),
}


@pytest.mark.parametrize(
    ('read', 'name'),
    [pytest.param(parse_report, name, id=f'report-{name}') for name in HOSTILE]
    + [
        pytest.param(parse_phrases, name, id=f'list-{name}')
        for name in (
            'one-word',
            'blanks',
            'blanks-inside',
            'emoji',
            'dots',
            'names',
            'phrases',
            'brackets',
        )
    ],
)
def test_any_text_is_answered_in_linear_time(read, name):
    # Ten times the text takes a linear reader about ten times as long, a quadratic one a hundred
    # times; what takes less than two seconds in all is not told apart from noise.
    seconds = []
    for text in (HOSTILE[name][: LONG // 10], HOSTILE[name]):
        started = process_time()
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) < 500
        seconds.append(process_time() - started)
    assert seconds[1] < max(40 * seconds[0], 2)


def test_lone_surrogates_are_refused():
    with pytest.raises(ValueError, match='lone surrogate at character 1'):
        parse_report('a\ud800')
