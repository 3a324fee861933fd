from pathlib import Path

import pytest
import yaml

from mmdet_medglip.benchmark import SuiteError, available_suites, load_suite

SUITE = {
    'title': 'Two models',
    'description': 'Small.',
    'data': {'here': {'demo': {'patients': 4}}},
    'test_on': 'here',
    'reference': 'a',
    'entries': [
        {'name': 'a', 'config': 'configs/a.py', 'train_on': 'here'},
        {'name': 'b', 'config': 'configs/b.py', 'after': 'a'},
        {'name': 'c', 'config': 'configs/b.py', 'after': 'b', 'train_on': 'here'},
        {'name': 'd', 'config': 'configs/d.py', 'weights': 'd.pth'},
    ],
}


@pytest.fixture
def write(tmp_path: Path):
    """Write the suite above with some keys changed; None takes a key away."""

    def _write(**changes) -> Path:
        content = {key: value for key, value in {**SUITE, **changes}.items() if value is not None}
        path = tmp_path / 'mine.yaml'
        path.write_text(yaml.safe_dump(content))
        return path

    return _write


def entries(number: int, **changes) -> list[dict]:
    """Entries of the suite, one of them changed; None takes a key away."""
    found = [dict(entry) for entry in SUITE['entries']]
    changed = {**found[number], **changes}
    found[number] = {key: value for key, value in changed.items() if value is not None}
    return found


def test_a_file_is_a_suite_of_its_name(write):
    suite = load_suite(write())
    assert suite.name == 'mine'
    assert suite.seeds == (0,)
    assert suite.data['here'].demo.patients == 4
    assert [entry.name for entry in suite.line_of('c')] == ['a', 'b', 'c']


def test_what_an_entry_starts_from_is_selected_with_it(write):
    suite = load_suite(write())
    assert [entry.name for entry in suite.selected(['c'])] == ['a', 'b', 'c']
    assert [entry.name for entry in suite.selected(['d', 'a'])] == ['a', 'd']
    assert suite.selected(None) == suite.entries
    with pytest.raises(SuiteError, match="no entry 'e'; it has a, b, c, d"):
        suite.selected(['e'])


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'reference': 'z'}, "'reference' must be one of a, b, c, d, got 'z'"),
        ({'test_on': 'there'}, "'test_on' must be one of here, got 'there'"),
        ({'title': None}, '`title`'),
        ({'colour': 1}, '`colour`'),
        ({'seeds': []}, 'seeds'),
        ({'data': {'here': {}}}, "must have one of 'demo', 'recipes' and 'store'"),
        ({'entries': entries(1, after='c')}, "'after' must be an entry above it (a), got 'c'"),
        ({'entries': entries(1, weights='w.pth')}, "give 'weights' or 'after', not both"),
        ({'entries': entries(0, train_on='x')}, "'train_on' must be one of here, got 'x'"),
        ({'entries': entries(0, train_on=None)}, "so it needs 'weights' or 'after'"),
        ({'entries': entries(1, name='a')}, 'two entries have one name'),
        ({'entries': entries(0, name='../a')}, "got '../a'"),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_a_wrong_suite_is_refused(write, changes, message):
    with pytest.raises(SuiteError) as error:
        load_suite(write(**changes))
    assert message in str(error.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match='packaged are demo, paper, real-small'):
        load_suite('absent')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        load_suite(tmp_path / 'absent.yaml')
    path = tmp_path / 'list.yaml'
    path.write_text('- 1')
    with pytest.raises(SuiteError, match='must be a mapping'):
        load_suite(path)
    path.write_text('a: [')
    with pytest.raises(SuiteError, match='not valid YAML'):
        load_suite(path)


@pytest.mark.parametrize('name', available_suites())
def test_packaged_suites_name_what_is_there(name: str, repo_root: Path):
    suite = load_suite(name)
    missing = [e.config for e in suite.entries if not (repo_root / e.config).is_file()]
    assert not missing
    assert suite.entry(suite.reference).train_on == suite.test_on
