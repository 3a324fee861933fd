"""Annotation files are bounded before they are loaded."""

from pathlib import Path

import pytest

from mmdet_medglip.ingest.annotation_files import check_size, decode_text, load_json, read_text


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
def test_byte_order_mark_is_left_out(tmp_path: Path, encoding: str) -> None:
    (tmp_path / 'a.txt').write_text('né', encoding=encoding)
    assert read_text(tmp_path / 'a.txt') == 'né'


def test_position_counts_the_byte_order_mark() -> None:
    with pytest.raises(ValueError, match=r'a\.txt is not UTF-8 at byte 5; convert'):
        decode_text(b'\xef\xbb\xbfab\xff', Path('a.txt'))
    with pytest.raises(ValueError, match='at byte 102'):
        decode_text(b'ab\xff', Path('a.txt'), start=100)


def test_size_is_checked_first(tmp_path: Path) -> None:
    with (tmp_path / 'a.json').open('wb') as file:
        file.truncate(10**12)
    with pytest.raises(ValueError, match=r'a\.json has 1000000000000 bytes, over the limit'):
        load_json(tmp_path / 'a.json')


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='does not exist'):
        check_size(tmp_path / 'a.json')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        check_size(tmp_path)


@pytest.mark.parametrize(
    ('text', 'data'),
    [(r'"\ud83d\ude00"', '\U0001f600'), (r'"\\ud83d"', r'\ud83d')],
    ids=['pair', 'escaped-backslash'],
)
def test_whole_characters_are_kept(tmp_path: Path, text: str, data: str) -> None:
    (tmp_path / 'a.json').write_text(text)
    assert load_json(tmp_path / 'a.json') == data


def test_half_a_character(tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text(r'{"a": "\ud83d"}')
    with pytest.raises(ValueError, match=r'a\.json has a broken escape'):
        load_json(tmp_path / 'a.json')


def test_json_of_any_kind(tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text('[1, NaN]')
    assert load_json(tmp_path / 'a.json')[0] == 1
