"""Nothing of a file is run: calls that could are none, but those that are listed with a reason."""

from collections import Counter
from pathlib import Path

import pytest

from tests.supply.forbidden import forbidden_in

WHERE = ('mmdet_medglip', 'tools')

ALLOWED = {
    # Configs are code, as everywhere in MMDetection; docs/hostile_input.md says so.
    ('mmdet_medglip/engine/config.py', 'Config.fromfile'): 'the config that the user names',
    ('mmdet_medglip/testing/glip_pair.py', 'Config.fromfile'): "MMDetection's own GLIP config",
    # The one way in for checkpoints.
    ('mmdet_medglip/engine/checkpoint.py', 'import pickle'): 'the name of an error only',
    ('mmdet_medglip/engine/checkpoint.py', 'torch.load without weights_only=True'): (
        'torch < 2.6, with the unpickler of restricted_pickle.py'
    ),
    ('mmdet_medglip/engine/restricted_pickle.py', 'import pickle'): 'makes listed types alone',
    # YAML with a loader derived from the safe one, after the size is known.
    ('mmdet_medglip/ontology/plain_yaml.py', 'yaml.load'): 'safe loader with further checks',
    # Modules named in this package, never in a file.
    ('mmdet_medglip/cli/tool_commands.py', 'importlib.util.spec_from_file_location'): (
        'the programs in tools/ of this checkout'
    ),
    ('mmdet_medglip/evaluation/functional/coco_evaluator.py', 'importlib.import_module'): (
        'names of a table in the same file'
    ),
    ('mmdet_medglip/ingest/pictures.py', 'import_module'): 'names of a table in the same file',
    ('mmdet_medglip/packaging/known_types.py', 'importlib.import_module'): (
        'registries of the scopes in the same file'
    ),
    ('tools/check_env.py', 'importlib.import_module'): 'names of a table in the same file',
    ('tools/check_env.py', 'importlib.util.spec_from_file_location'): 'compatibility.py',
    # On the command line: --import MODULE, as documented.
    ('mmdet_medglip/ingest/stages.py', 'import_module'): 'modules that the user names',
}
"""Why a call may be there, by file and call."""


def _found(root: Path) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for folder in WHERE:
        for path in sorted((root / folder).rglob('*.py')):
            found.update(
                (path.relative_to(root).as_posix(), call) for _, call in forbidden_in(path)
            )
    return found


def test_no_call_runs_what_a_file_says(repo_root: Path) -> None:
    found = _found(repo_root)
    assert sorted(set(found) - set(ALLOWED)) == []
    assert sorted(set(ALLOWED) - set(found)) == [], 'no longer there: take it off the list'


@pytest.mark.parametrize(
    ('source', 'call'),
    [
        pytest.param('import pickle', 'import pickle', id='pickle'),
        pytest.param('from joblib import load', 'import joblib', id='joblib'),
        pytest.param('torch.load(p)', 'torch.load without weights_only=True', id='torch'),
        pytest.param(
            'torch.load(p, weights_only=False)', 'torch.load without weights_only=True', id='unsafe'
        ),
        pytest.param('np.load(p)', 'np.load without allow_pickle=False', id='numpy'),
        pytest.param(
            'np.load(p, allow_pickle=True)', 'np.load(allow_pickle=True)', id='numpy-pickle'
        ),
        pytest.param('yaml.load(t, yaml.Loader)', 'yaml.load', id='yaml'),
        pytest.param('eval(t)', 'eval', id='eval'),
        pytest.param('os.system(t)', 'os.system', id='os-system'),
        pytest.param('subprocess.run(t, shell=True)', 'subprocess.run(shell=True)', id='shell'),
        pytest.param('archive.extractall(p)', 'archive.extractall', id='extract'),
        pytest.param('tarfile.open(p).extract(m)', 'tarfile.open(p).extract', id='tar'),
        pytest.param(
            'A.from_pretrained(n, trust_remote_code=True)',
            'A.from_pretrained(trust_remote_code=True)',
            id='remote-code',
        ),
    ],
)
def test_each_kind_is_found(tmp_path: Path, source: str, call: str) -> None:
    path = tmp_path / 'a.py'
    path.write_text(f'def f(p, t, n, m):\n    {source}\n')
    assert call in [name for _, name in forbidden_in(path)]


def test_sound_calls_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / 'a.py'
    path.write_text(
        'model.eval()\nre.compile(x)\ntorch.load(p, weights_only=True)\nyaml.safe_load(t)\n'
        'np.load(p, allow_pickle=False)\nsubprocess.run([a], shell=False)\n'
        'np.lib.format.read_array(f, allow_pickle=False)\nread_array(path, key)\n'
    )
    assert list(forbidden_in(path)) == []


def test_shell_scripts_run_no_words(repo_root: Path) -> None:
    for path in sorted((repo_root / 'tools').glob('*.sh')):
        text = path.read_text()
        assert 'eval ' not in text and '`' not in text, path
        assert 'curl' not in text and 'wget' not in text, path
