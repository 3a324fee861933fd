"""Names from outside stay inside."""

from pathlib import Path

import pytest

from mmdet_medglip.ingest.paths import fill_pattern, inside, match_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A data set with five files, beside a secret."""
    root = tmp_path / 'data'
    for name in ('train/a_1.png', 'train/b(1).png', 'valid/a_1.png', 'm/a_1_rib_left_9_000.png'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (tmp_path / 'secret.png').touch()
    return root


@pytest.mark.parametrize(
    'name',
    [
        '/etc/passwd',
        '../secret.png',
        'train/../../secret.png',
        'C:\\x.png',
        '..\\secret.png',
        'a\0b',
    ],
    ids=['absolute', 'parent', 'hidden-parent', 'drive', 'backslash', 'nul'],
)
def test_paths_that_leave_are_refused(tree: Path, name: str) -> None:
    with pytest.raises(ValueError, match='must be relative'):
        inside(tree, name)


def test_symbolic_link_out_is_refused(tree: Path) -> None:
    (tree / 'link.png').symlink_to(tree.parent / 'secret.png')
    with pytest.raises(ValueError, match='symbolic link'):
        inside(tree, 'link.png')
    with pytest.raises(ValueError, match='symbolic link'):
        match_files(tree, '{stem}.png')


def test_name_with_dots_is_inside(tree: Path) -> None:
    assert inside(tree, 'a..b.png') == tree / 'a..b.png'


def test_fields_are_reported_in_order(tree: Path) -> None:
    found = match_files(tree, '{split}/{stem}.png')
    assert [file.fields for file in found] == [
        {'split': 'm', 'stem': 'a_1_rib_left_9_000'},
        {'split': 'train', 'stem': 'a_1'},
        {'split': 'train', 'stem': 'b(1)'},
        {'split': 'valid', 'stem': 'a_1'},
    ]


def test_field_before_a_counter(tree: Path) -> None:
    pattern = fill_pattern('m/{stem}_{label}_[0-9][0-9][0-9].png', {'stem': 'a_1'})
    assert [file.fields for file in match_files(tree, pattern)] == [{'label': 'rib_left_9'}]


def test_repeated_field_is_the_same(tree: Path) -> None:
    (tree / 'c').mkdir()
    (tree / 'c' / 'c.png').touch()
    assert [f.fields for f in match_files(tree, '{stem}/{stem}.png')] == [{'stem': 'c'}]


def test_nothing_found_is_empty(tree: Path) -> None:
    assert match_files(tree, 'none/{stem}.png') == []


def test_filled_values_are_literal(tree: Path) -> None:
    (tree / 'train' / 'x[1].png').touch()
    pattern = fill_pattern('train/{stem}.png', {'stem': 'x[1]'})
    assert [file.path.name for file in match_files(tree, pattern)] == ['x[1].png']
