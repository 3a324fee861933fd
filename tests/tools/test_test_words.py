"""tools/test_words.py: the table and the file it writes, and what it refuses."""

import json
import sys

import pytest
import torch

from tests.engine.oracle import oracle_config, write_store


@pytest.fixture
def start(load_tool, monkeypatch, tmp_path):
    """Run the tool on the oracle."""
    tool = load_tool('test_words.py')
    write_store(tmp_path / 'store')
    config = oracle_config(tmp_path / 'store', tmp_path / 'work', labels=['spleen'])
    config.dump(tmp_path / 'oracle.py')
    torch.save(dict(state_dict={}, meta={}), tmp_path / 'oracle.pth')

    def run(*arguments: str) -> None:
        paths = [str(tmp_path / 'oracle.py'), str(tmp_path / 'oracle.pth')]
        monkeypatch.setattr(sys, 'argv', ['test_words.py', *paths, *arguments])
        tool.main()

    return run


def test_table_and_file(start, tmp_path, capsys):
    start('--askings', 'name', 'shuffled', 'abbreviation')
    table = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    one, none = '1.000 (1.000 to 1.000)', '0.000 (0.000 to 0.000)'
    assert f'name 3 {one} {one} 1 {one} {one} 0' in table
    assert f'shuffled 3 {none} - 1 {none} - 0' in table
    written = json.loads((tmp_path / 'work' / 'test_words.json').read_text())
    assert [line['asking'] for line in written] == ['name', 'shuffled', 'abbreviation']
    assert written[0]['seen']['ap50']['value'] == pytest.approx(1)
    assert set(written[2]['unsaid']) <= {'liver', 'spleen', 'kidney_left', 'kidney_right'}


def test_faults_are_one_line(start, tmp_path):
    with pytest.raises(SystemExit, match=r'error: The data folder .* does not exist'):
        start('--askings', 'name', '--cfg-options', 'test_dataloader.dataset.data_root=nowhere')
    with pytest.raises(SystemExit) as error:
        start('--askings', 'nickname')
    assert error.value.code == 2
