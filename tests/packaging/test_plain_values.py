import json

import pytest

from mmdet_medglip.packaging.plain_values import plain_of, value_of


@pytest.mark.parametrize(
    'value',
    [
        pytest.param({'a': (1, 2.5), 'b': [None, True, 'x']}, id='nested'),
        pytest.param(((), [(1,)]), id='tuples-in-lists'),
        pytest.param({'x': 0.1 + 0.2}, id='exact-number'),
    ],
)
def test_values_come_back(value):
    assert value_of(json.loads(json.dumps(plain_of(value)))) == value


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        pytest.param({'a': [print]}, r'config.a\[0\] is a builtin_function', id='function'),
        pytest.param({1: 2}, 'has the key 1', id='number-as-key'),
        pytest.param({'a': float('nan')}, 'config.a is nan', id='nan'),
    ],
)
def test_what_is_no_data(value, message):
    with pytest.raises(ValueError, match=message):
        plain_of(value)


def test_a_class_becomes_its_name():
    assert plain_of({'type': dict}) == {'type': 'dict'}
