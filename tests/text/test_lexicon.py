"""The lexicon: its file is sound, and faults of another one are named."""

import pytest

from mmdet_medglip.text.lexicon import Lexicon, key_of


def test_packaged_lexicon_is_read_once():
    assert Lexicon.default() is Lexicon.default()
    assert Lexicon.default().roles[('hiatal', 'hernia')] == {'name': 'finding'}


def test_a_term_may_have_several_roles():
    assert Lexicon.default().roles[('small',)] == {'modifier': 'size', 'state': 'abnormal'}


def test_own_file(tmp_path):
    path = tmp_path / 'own.yaml'
    path.write_text('format: 1\nnames: {device: [Ommaya reservoir]}\n')
    assert Lexicon.from_yaml(path).roles == {('ommaya', 'reservoir'): {'name': 'device'}}


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        pytest.param({}, "'format' must be 1", id='no-format'),
        pytest.param({'format': 1, 'nouns': []}, "'nouns' is not a key here", id='unknown-key'),
        pytest.param(
            {'format': 1, 'names': {'organ': ['x']}},
            "'names.organ' is not a key",
            id='unknown-kind',
        ),
        pytest.param(
            {'format': 1, 'places': 'upper'}, "'places' must be a list of words", id='not-a-list'
        ),
        pytest.param({'format': 1, 'places': [' ']}, "must hold words, got ' '", id='no-word'),
        pytest.param(
            {'format': 1, 'sides': {'left': ['lt'], 'right': ['LT']}},
            "'sides.right' has 'LT', which is under 'left' too",
            id='two-kinds-of-one-role',
        ),
    ],
)
def test_faults_are_named(data, message):
    with pytest.raises(ValueError, match=message):
        Lexicon(data)


def test_keys_do_not_depend_on_case_hyphen_or_spelling():
    assert key_of('Ground-Glass Tumour') == key_of('ground glass tumor')
