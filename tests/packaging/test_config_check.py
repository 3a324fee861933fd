import pytest

from mmdet_medglip.packaging.config_check import check_config


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        pytest.param({'a': '../x'}, r'model.a is .*no path', id='climbs'),
        pytest.param({'a': 'evil.py'}, 'no path', id='file'),
        pytest.param({'a': 'cv2. imread'}, 'no path', id='dotted'),
        pytest.param({'a': 'b\\c'}, 'no path', id='backslash'),
        pytest.param({'a': 'x' * 201}, 'above 200', id='long'),
        pytest.param({'a': 10**10}, 'beyond', id='number'),
        pytest.param({'a': float('inf')}, 'beyond', id='infinite'),
        pytest.param({'a': [0] * 20_001}, '20001 entries', id='list'),
        pytest.param({'a': [{'teacher_config': 'x'}]}, "'teacher_config'", id='refused-entry'),
        pytest.param({'a/b': 1}, "'a/b'", id='key'),
    ],
)
def test_entries_that_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        check_config(config, 'model', 'model')


def test_words_and_numbers():
    check_config({'a': ['[CLS]', '.', '?', '0.5', 'x. ', 1e8, -3, None]}, 'model', 'model')


def test_depth():
    config: dict = {}
    for _ in range(40):
        config = {'a': config}
    with pytest.raises(ValueError, match='nested too deep'):
        check_config(config, 'model', 'model')
