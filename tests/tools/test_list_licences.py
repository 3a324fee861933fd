"""The licences of all packages that are installed for this project."""

from pathlib import Path

import pytest


@pytest.fixture
def tool(load_tool):
    return load_tool('list_licences.py')


def test_every_licence_is_known_and_taken(tool):
    found = tool.licences()
    assert list(tool.faults(found)) == []
    assert len(found) > 60
    assert {'torch', 'pydicom', 'pyarrow', 'numpy'} <= {one.package for one in found if one.pinned}


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('', 'tells no licence', id='unknown'),
        pytest.param('AGPL-3.0-only', 'is under AGPL-3.0-only', id='agpl'),
        pytest.param('GNU Affero General Public License v3', 'does not take', id='agpl-in-words'),
        pytest.param('CC-BY-NC-4.0', 'does not take', id='non-commercial'),
    ],
)
def test_what_is_refused(tool, text, message):
    (fault,) = tool.faults([tool.Licence('x', text, True)])
    assert message in fault


def test_the_page_lists_what_is_pinned(tool, repo_root: Path):
    page = (repo_root / 'docs' / 'licences.md').read_text()
    upstream = (repo_root / 'requirements' / 'openmmlab-upstream.txt').read_text()
    pinned = {one.package for one in tool.licences() if one.pinned}
    pinned = {name for name in pinned if f'\n{name}==' not in upstream}
    missing = [name for name in sorted(pinned) if f'| {name} \\* |' not in page]
    assert missing == [], 'run `make licences`'


def test_requirements_of_extras_are_followed(tool):
    from packaging.requirements import Requirement

    assert 'distributed' in tool.installed([Requirement('dask[distributed]')])
    assert 'distributed' not in tool.installed([Requirement('dask')])
    assert (
        tool.installed([Requirement('no-such-package'), Requirement('numpy; python_version < "3"')])
        == {}
    )


def test_command(tool, tmp_path, capsys):
    assert tool.main(['--out', str(tmp_path / 'a.md')]) == 0
    assert '| torch \\* |' in (tmp_path / 'a.md').read_text()
