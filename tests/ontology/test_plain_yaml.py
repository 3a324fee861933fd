import pytest

from mmdet_medglip.ontology.plain_yaml import MAX_DEPTH, load_yaml

LAUGHS = 'a: &a [x, x]\n' + ''.join(
    f'{b}: &{b} [{", ".join([f"*{a}"] * 9)}]\n' for a, b in zip('abcdefgh', 'bcdefghi', strict=True)
)
MERGES = 'a: &a {x: 1}\n' + ''.join(
    f'{b}: &{b} {{<<: [{", ".join([f"*{a}"] * 9)}]}}\n'
    for a, b in zip('abcdefgh', 'bcdefghi', strict=True)
)


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        pytest.param('', None, id='empty'),
        pytest.param(
            'a: 1\nb: [x, 2.5, null, true]', {'a': 1, 'b': ['x', 2.5, None, True]}, id='plain'
        ),
        pytest.param('a: &x [1]\nb: *x', {'a': [1], 'b': [1]}, id='alias'),
        pytest.param(
            'a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}',
            {'a': {'k': 1, 'l': 2}, 'b': {'k': 3, 'l': 2}},
            id='merge',
        ),
        pytest.param(b'\xef\xbb\xbfa: \xc3\xa9', {'a': 'é'}, id='bytes'),
        pytest.param('[' * MAX_DEPTH + ']' * MAX_DEPTH, None, id='as-deep-as-may-be'),
    ],
)
def test_what_is_read(text, value):
    found = load_yaml(text)
    assert value is None or found == value


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('[' * 100_000, 'nested deeper than 64', id='lists-that-ended-the-process'),
        pytest.param('{a: ' * 100_000, 'nested deeper than 64', id='mappings'),
        pytest.param('- ' * 100_000, 'nested deeper than 64', id='dashes'),
        pytest.param(LAUGHS, 'more than 1000000 values', id='billion-laughs'),
        pytest.param(MERGES, 'more than 1000000 values', id='merged-laughs'),
        pytest.param('a: &b [*b]', 'it is a part of', id='circle'),
        pytest.param('a: 1\na: 2', "'a' is given twice, again in line 2", id='key-twice'),
        pytest.param('? [a]\n: 1', 'a key in line 1 is a list or a mapping', id='key-is-a-list'),
        pytest.param('a: 2001-99-99', 'month must be', id='thirteenth-month'),
        pytest.param('a: ' + '9' * 5000, 'digits', id='digits'),
        pytest.param('a: ' + ':'.join(['59'] * 400) + '.0', 'too large', id='base-60-overflow'),
        pytest.param('a: !!python/object/apply:os.system [true]', 'could not determine', id='code'),
        pytest.param('a: [', 'while parsing|did not find', id='cut'),
        pytest.param('a: *b', 'undefined alias', id='unknown-alias'),
        pytest.param('a\0b', 'position|control', id='nul'),
        pytest.param(b'a: \xff\xfe\xff', 'UTF-8', id='no-text'),
        pytest.param('a: 1\n---\nb: 2', 'another document in line 2', id='two-documents'),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_yaml(text)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 300
