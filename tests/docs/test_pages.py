"""Every code block of README.md, CONTRIBUTING.md and docs/ is run, or a list says why it is not.

A page is run from top to bottom in a folder and a namespace of its own: Python is executed, pieces
of configs are built, ``>>>`` examples are compared, YAML and JSON go through their readers, bash
commands run in this process. A block under a line that ends in `` `path`: `` is written to that
file. See ``lists.py`` for what is not run.
"""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from tests.docs.lists import CHECKED, FRAGMENTS, NOT_CODE, SLOW, SLOW_BLOCKS
from tests.docs.names import NAMES
from tests.docs.page import PAGES, commands_of, unique_pages
from tests.docs.running import PageRun, working_in
from tests.docs.world import World

BLOCKS = unique_pages()
RUN = [name for name, blocks in BLOCKS.items() if any(b.language not in NOT_CODE for b in blocks)]

LONG = [
    name
    for name in RUN
    if name != 'README.md'  # tests/test_readme_commands.py has it, on real data
    and any(
        rule.fits(command) and not any(other.fits(command) for other in CHECKED)
        for block in BLOCKS[name]
        if block.language == 'bash'
        for command in commands_of(block)
        for rule in SLOW
    )
]


@pytest.fixture(scope='session')
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp('world'))


@pytest.fixture(scope='session')
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Phantoms of all modalities, for trainings of joint models."""
    from mmdet_medglip.testing.phantoms import SPECS

    return World(tmp_path_factory.mktemp('whole'), tuple(SPECS))


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server answers one request and ends."""
    from mmdet_medglip.browser import server

    def serve(service, host=server.LOOPBACK, port=7860, hosts=()):
        from starlette.testclient import TestClient

        app = server.make_app(service, server.hosts_of(host, hosts))
        try:
            name = hosts[0] if hosts else '127.0.0.1'
            with TestClient(app, base_url=f'http://{name}') as client:
                assert client.get('/').status_code == 200
        finally:
            service.close()

    monkeypatch.setattr(server, 'run_server', serve)


@pytest.mark.parametrize('name', RUN)
def test_blocks_of_the_page(name: str, world: World) -> None:
    run_page(name, world)


@pytest.mark.slow
@pytest.mark.parametrize('name', LONG)
def test_blocks_of_the_page_with_its_long_commands(name: str, whole_world: World) -> None:
    run_page(name, whole_world, slow=True)


def run_page(name: str, world: World, slow: bool = False) -> None:
    from mmengine.registry import DefaultScope

    from mmdet_medglip.registry import READERS

    folder = world.folder(name)
    faults = []
    readers = dict(READERS.module_dict)
    DefaultScope.get_instance(f'page {name}', scope_name='mmdet_medglip')
    with working_in(folder):
        names = NAMES.get(name, lambda world, folder: {})(world, folder)
        page = PageRun(folder, names, slow)
        for block in BLOCKS[name]:
            try:
                page.run(block)
            except (Exception, SystemExit):
                faults.append(f'{block}\n{traceback.format_exc(limit=-3)}')
    READERS.module_dict.clear()
    READERS.module_dict.update(readers)
    assert not faults, f'{len(faults)} blocks are wrong\n\n' + '\n'.join(faults)
    assert page.ran > 0


def test_every_list_names_what_is_there():
    commands = {
        command
        for blocks in BLOCKS.values()
        for block in blocks
        if block.language == 'bash'
        for command in commands_of(block)
    }
    assert len(commands) > 100
    rules = (*SLOW, *CHECKED)
    assert all(rule.reason for rule in rules)
    idle = [rule.pattern for rule in rules if not any(map(rule.fits, commands))]
    assert not idle, f'rules that fit no command: {idle}'
    for name, words in (*FRAGMENTS, *SLOW_BLOCKS):
        assert any(words in block.text for block in BLOCKS[name]), f'{name} has no {words}'
    assert set(NAMES) <= set(BLOCKS)


def test_every_page_is_read():
    assert {path.name for path in PAGES} >= {'README.md', 'tutorial.md', 'faq.md', 'index.md'}
    assert len(BLOCKS) == len(PAGES)


@pytest.mark.parametrize(
    'command',
    [
        pytest.param('python tools/train.py configs/medglip/no.py', id='config'),
        pytest.param('python tools/train.py configs/medglip/ct.py --no-such-option', id='option'),
        pytest.param(
            'python tools/train.py configs/medglip/ct.py --cfg-options model.neck.no=1', id='key'
        ),
        pytest.param('make no-such-target', id='target'),
        pytest.param('python tools/no_such_tool.py', id='program'),
        pytest.param('curl https://example.org', id='foreign program'),
    ],
)
def test_a_wrong_command_is_found(command: str):
    from tests.docs.checking import check_command

    with pytest.raises(AssertionError):
        check_command(command)


def test_a_block_of_an_unknown_language_is_found(tmp_path: Path):
    from tests.docs.page import Block

    with pytest.raises(AssertionError, match='is not run'):
        PageRun(tmp_path, {}).run(Block('x.md', 1, 'sh', 'ls'))
