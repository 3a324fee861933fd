"""JSON lists: read, or one clear error."""

import pytest

from mmdet_medglip.text import parse_prompt
from mmdet_medglip.text.json_list import is_json


@pytest.mark.parametrize(
    ('text', 'phrases'),
    [
        pytest.param('["liver", "left kidney"]', ('liver', 'left kidney'), id='strings'),
        pytest.param('[{"phrase": "liver", "box": [1, 2]}]', ('liver',), id='objects'),
        pytest.param('["liver", {"phrase": "polyp"}]', ('liver', 'polyp'), id='mixed'),
        pytest.param(' [ "liver. ", "liver" , "" ]', ('liver',), id='trimmed-once-not-blank'),
        pytest.param('["a, b"]', ('a, b',), id='comma-inside-stays'),
        pytest.param(r'["caf\u00e9"]', ('café',), id='escapes'),
        pytest.param('[liver, spleen]', ('[liver', 'spleen]'), id='brackets-alone-are-no-json'),
    ],
)
def test_lists_are_read(text, phrases):
    assert parse_prompt(text).phrases == phrases


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('["liver"', 'starts like JSON and is not valid', id='unbalanced'),
        pytest.param('[' * 1000 + ']' * 1000, 'nested too deep|item 0', id='nested-lists'),
        pytest.param('[{"phrase":' * 1000 + '1' + '}]' * 1000, 'too deep|item 0', id='nested'),
        pytest.param('[' * 100_000, 'nested too deep|not valid', id='brackets'),
        pytest.param('{"phrase": "liver"}', 'expected a list .* got dict', id='object'),
        pytest.param('["liver", 3]', 'item 1: expected .* got int', id='number'),
        pytest.param('[{"label": "liver"}]', 'item 0: .* got dict', id='no-phrase'),
        pytest.param('[' + '9' * 5000 + ']', 'starts like JSON|Empty', id='huge-number'),
        pytest.param('[]', 'Empty prompt', id='empty'),
        pytest.param(r'["\ud800"]', 'lone surrogate', id='surrogate'),
    ],
)
def test_others_are_one_clear_error(text, message):
    if '9999' in text:
        text = '["liver", ' + text[1:]
        message = 'item 1|starts like JSON'
    with pytest.raises(ValueError, match=message) as error:
        parse_prompt(text)
    assert len(str(error.value)) < 400


def test_plain_lists_are_not_json():
    assert not is_json('liver, spleen')
