"""The command medglip: prompts and labels, for people and as JSON."""

import json
import re
from collections.abc import Callable

import pytest

from mmdet_medglip.cli.main import main, parse_args
from mmdet_medglip.ontology import Ontology


@pytest.fixture
def call(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run the command with words; exit status, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        return status, *capsys.readouterr()

    return run


def test_the_tool_is_the_command(load_tool):
    assert load_tool('medglip.py').main is main


def test_the_package_installs_the_command(repo_root):
    assert "'medglip = mmdet_medglip.cli.main:main'" in (repo_root / 'setup.py').read_text()


@pytest.mark.parametrize(
    ('words', 'status', 'codes'),
    [
        pytest.param(['liver'], 0, ['tokens'], id='good'),
        pytest.param(['polyp', '--modality', 'ct'], 0, ['tokens', 'modality'], id='modality'),
        pytest.param(['lvier'], 0, ['tokens', 'unknown'], id='warnings-pass'),
        pytest.param(['["liver"'], 1, ['unreadable'], id='errors-fail'),
        pytest.param(['liver', '--max-tokens', '2'], 1, ['too-long'], id='limit'),
        pytest.param(['Heart is normal.', '--sentences'], 1, ['empty'], id='sentences'),
    ],
)
def test_lint_prompt_as_json(call, words, status, codes):
    found, out, _ = call('lint-prompt', *words, '--json')
    assert found == status
    remarks = json.loads(out)
    assert [remark['code'] for remark in remarks] == codes
    assert set(remarks[0]) == {'code', 'severity', 'message', 'span', 'suggestion'}


def test_lint_prompt_for_people(call):
    status, out, _ = call('lint-prompt', 'liver, no [b]cyst')
    assert status == 0
    assert 'negated' in out
    assert 'no [b]cyst' in out
    assert '7-17' in out


def test_lint_prompt_reads_a_vocabulary_and_standard_input(call, tmp_path, monkeypatch):
    (tmp_path / 'names.txt').write_text('liver\n\nspleen\n')
    monkeypatch.setattr('sys.stdin.read', lambda: 'hepar, polyp', raising=False)
    words = ('-', '--vocabulary', str(tmp_path / 'names.txt'), '--json')
    remarks = json.loads(call('lint-prompt', *words)[1])
    assert [(r['code'], r['span']) for r in remarks] == [('tokens', None), ('unknown', [7, 12])]


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        pytest.param(
            ('lint-prompt', 'liver', '--modality', 'xyz'), "modality 'xyz'", id='modality'
        ),
        pytest.param(('lint-prompt', 'liver', '--vocabulary', 'no.txt'), 'no.txt', id='file'),
        pytest.param(('list-labels', '--region', 'moon'), "Unknown region 'moon'", id='region'),
    ],
)
def test_what_is_wrong_is_one_line(call, words, message):
    status, _, err = call(*words)
    assert status == 1
    assert message in err
    assert err.count('\n') == 1


@pytest.mark.parametrize(
    ('words', 'ids'),
    [
        pytest.param((), Ontology.default().labels, id='all'),
        pytest.param(('--modality', 'CT'), Ontology.default().labels_of('ct'), id='modality'),
        pytest.param(('--level', 'region'), Ontology.default().regions, id='regions'),
        pytest.param(('--level', 'class'), Ontology.default().classes, id='classes'),
        pytest.param(
            ('--level', 'class', '--region', 'kidney', '--modality', 'endoscopy'),
            ('digestive_tract', 'mucosal_finding', 'endoscopic_landmark', 'endoscopic_device'),
            id='classes-of-a-modality-in-a-region',
        ),
    ],
)
def test_list_labels_as_json(call, words, ids):
    status, out, _ = call('list-labels', *words, '--json')
    assert status == 0
    assert sorted(row['id'] for row in json.loads(out)) == sorted(ids)


def test_list_labels_for_people(call):
    out = call('list-labels', '--modality', 'fundus')[1]
    assert '13 of level fine' in out
    assert 'cotton wool spot' in out


def test_nothing_to_list_is_said(call):
    words = ('list-labels', '--modality', 'fundus', '--region', 'chest')
    assert call(*words)[1].startswith('Nothing: ')
    assert json.loads(call(*words, '--json')[1]) == []


def test_documented_options_exist(repo_root):
    page = (repo_root / 'docs' / 'prompts.md').read_text(encoding='utf-8')
    known = {
        'lint-prompt': vars(parse_args(['lint-prompt', 'x'])),
        'list-labels': vars(parse_args(['list-labels'])),
    }
    lint, labels = page.split('## What can be asked for')
    for part, command in ((lint, 'lint-prompt'), (labels, 'list-labels')):
        options = set(re.findall(r'`--([a-z-]+)', part))
        assert options
        assert {option.replace('-', '_') for option in options} <= known[command].keys()
