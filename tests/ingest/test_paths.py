"""Names from outside stay inside."""

import os
from pathlib import Path

import pytest

from mmdet_medglip.ingest import paths
from mmdet_medglip.ingest.paths import (
    FileFinder,
    fields_of,
    fill_pattern,
    inside,
    match_files,
    split_fields,
)


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


def test_finder_lists_a_folder_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = FileFinder(tree)
    assert len(finder.match('train/{stem}.png')) == 2
    monkeypatch.setattr('os.scandir', lambda path: pytest.fail(f'{path} listed again'))
    assert [file.path.name for file in finder.match('train/a_*.png')] == ['a_1.png']
    assert [file.path.name for file in finder.match('train/b(1).png')] == ['b(1).png']
    assert finder.match('train/c.png') == []


class CountedList(list):
    """A list that counts how often an item of it is read."""

    reads = 0

    def __getitem__(self, place):
        CountedList.reads += 1
        return super().__getitem__(place)


def test_a_pattern_reads_few_names_of_a_large_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        for label in ('rib', 'lung'):
            (tmp_path / f'{number:05d}_{label}.png').touch()
    monkeypatch.setattr(paths, 'sorted', lambda names: CountedList(sorted(names)), raising=False)
    monkeypatch.setattr(CountedList, 'reads', 0)
    finder = FileFinder(tmp_path)
    for number in range(300):
        found = finder.match(f'{number:05d}_{{label}}.png')
        assert [file.fields['label'] for file in found] == ['lung', 'rib']
    # Two that fit, the one behind them, and the ten or so steps of a search among 600 names.
    assert 300 * 3 <= CountedList.reads <= 300 * 20


@pytest.mark.parametrize(
    ('pattern', 'names'),
    [
        pytest.param('train/?_1.png', ['a_1.png'], id='question'),
        pytest.param('train/[!a]*.png', ['b(1).png'], id='not-a'),
        pytest.param('[tv]*/a_1.png', ['a_1.png', 'a_1.png'], id='folders'),
        pytest.param('*/*.png', ['a_1_rib_left_9_000.png', 'a_1.png', 'b(1).png', 'a_1.png'],
                     id='all'),
        pytest.param('train', [], id='folder-is-no-file'),
        pytest.param('train/a_1.png/x', [], id='file-is-no-folder'),
    ],
)  # fmt: skip
def test_globs(tree: Path, pattern: str, names: list[str]) -> None:
    assert [file.path.name for file in match_files(tree, pattern)] == names


def test_hidden_files_are_not_matched(tree: Path) -> None:
    (tree / 'train' / '._a_1.png').touch()
    assert len(match_files(tree, 'train/{stem}.png')) == 2
    assert len(match_files(tree, 'train/.{stem}.png')) == 1


def test_name_that_is_not_utf_8(tree: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tree / 'train') + b'/\xe9.png'))).touch()
    with pytest.raises(ValueError, match='is not UTF-8; rename it'):
        match_files(tree, 'train/{stem}.png')


@pytest.mark.parametrize('pattern', ['/etc/{stem}', '../{stem}.png', '{stem}/../../x'])
def test_patterns_that_leave_are_refused(tree: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match='must be relative'):
        match_files(tree, pattern)


def test_linked_folder_out_is_refused(tree: Path) -> None:
    (tree / 'linked').symlink_to(tree.parent)
    with pytest.raises(ValueError, match='symbolic link'):
        match_files(tree, 'linked/secret.png')


def test_link_inside_is_followed(tree: Path) -> None:
    (tree / 'linked').symlink_to(tree / 'train')
    assert len(match_files(tree, 'linked/*.png')) == 2


def test_fields_of() -> None:
    assert fields_of('{split}/{stem}/{stem}_*.png') == ('split', 'stem')


def test_text_that_does_not_fit() -> None:
    assert split_fields('{a}_{b}.png', 'x.png') is None


def test_field_with_a_glob_takes_fitting_names_only(tmp_path: Path) -> None:
    (tmp_path / 'imagesTr').mkdir()
    for name in ('amos_0001', 'amos_0499', 'amos_0507'):
        (tmp_path / f'imagesTr/{name}.nii.gz').touch()
    found = match_files(tmp_path, 'images{split}/{stem:amos_0[0-4]*}.nii.gz')
    assert [match.fields['stem'] for match in found] == ['amos_0001', 'amos_0499']
    assert fill_pattern('m/{stem:amos*}.png', {'stem': 'amos_1'}) == 'm/amos_1.png'
