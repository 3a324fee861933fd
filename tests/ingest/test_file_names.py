"""Names that any text may become."""

import pytest

from mmdet_medglip.ingest.file_names import safe_name


@pytest.mark.parametrize('text', ['a', 'case_0001.axial-2', '0'], ids=repr)
def test_safe_names_stay(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    ('text', 'kept'),
    [
        pytest.param('a/b', 'a_b', id='folder'),
        pytest.param('../../etc/passwd', 'etc_passwd', id='climbs'),
        pytest.param('.hidden', 'hidden', id='leading-dot'),
        pytest.param('-rf', 'rf', id='leading-dash'),
        pytest.param('Kvasir-SEG', 'Kvasir-SEG', id='large-letters'),
        pytest.param('肝', '', id='nothing-kept'),
        pytest.param('', '', id='empty'),
        pytest.param('a\x00b\n', 'a_b', id='control-characters'),
        pytest.param('a\udc80', 'a', id='not-unicode'),
        pytest.param('x' * 500, 'x' * 100, id='long'),
        pytest.param('a~70d859ef814d0b84', 'a_70d859ef814d0b84', id='looks-like-a-digest'),
    ],
)
def test_others_get_a_digest(text: str, kept: str) -> None:
    name, _, digest = safe_name(text).partition('~')
    assert name == kept
    assert len(digest) == 16


def test_names_differ_where_texts_do() -> None:
    texts = ['a/b', 'a b', 'a_b', 'A_b', 'a_B', 'a//b', 'a_b.', 'x' * 101, 'x' * 102, 'x' * 100]
    assert len({safe_name(text).lower() for text in texts}) == len(texts)
