"""tools/test_regions.py: the table and the file it writes, and what it refuses."""

import json
import sys

import pytest
import torch

from mmdet_medglip.answers.region_labels import rank_by_score
from mmdet_medglip.registry import MODELS
from tests.engine.oracle import BOXES, Oracle, oracle_config, write_store


@MODELS.register_module(force=True)
class RegionOracle(Oracle):
    """Rank the true label first, but take a spleen for a liver; sure of it by ``num_places``."""

    def rank_labels(self, image, sample, boxes, labels, num_places):
        known = {box: phrase for phrase, box in zip(self.KNOWN, BOXES.values(), strict=False)}
        scores = torch.full((len(boxes), len(labels)), 0.1)
        for row, box in enumerate(boxes.tolist()):
            label = labels.index(known[tuple(map(int, box))].replace('spleen', 'liver'))
            scores[row, label] = num_places / 10
        return rank_by_score(scores, torch.ones(len(boxes)), tuple(labels))


@pytest.fixture
def start(load_tool, monkeypatch, tmp_path):
    """Run the tool on an oracle."""
    tool = load_tool('test_regions.py')
    write_store(tmp_path / 'store')

    def run(*arguments: str, model: str = 'RegionOracle') -> None:
        config = oracle_config(tmp_path / 'store', tmp_path / 'work')
        config.model.type = model
        config.dump(tmp_path / 'oracle.py')
        torch.save(dict(state_dict={}, meta={}), tmp_path / 'oracle.pth')
        paths = [str(tmp_path / 'oracle.py'), str(tmp_path / 'oracle.pth')]
        monkeypatch.setattr(sys, 'argv', ['test_regions.py', *paths, *arguments])
        tool.main()

    return run


def test_table_and_file(start, tmp_path, capsys):
    start('--num-places', '5', '9')
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    # Three images of four boxes, of four labels. Odds of 5 places: 1, and 1/9 of each other label,
    # so 3/4 for the first of four and 1/12 for the others; of 9 places: 9, so 27/28 and 1/84.
    for places, sure, other in ((5, 3 / 4, 1 / 12), (9, 27 / 28, 1 / 84)):
        mean = (3 * sure + other) / 4
        assert [f'{places}', 'places', '12', '0.750', '1.000', f'{mean:.3f}', '0.250'] in table
    # Behind the liver, equal ones come in the order they are asked.
    assert ['spleen', '3', '0.000', '1.000', f'{1 / 12:.3f}', '0.250'] in table
    written = json.loads((tmp_path / 'work' / 'test_regions.json').read_text())
    assert set(written) == {'5', '9'}
    first = written['5'][0]
    assert (first['label'], first['rank'], first['chosen_from']) == ('liver', 0, 4)


@pytest.mark.parametrize(
    ('arguments', 'model', 'message'),
    [
        pytest.param(
            ['--cfg-options', 'test_dataloader.dataset.data_root=nowhere'],
            'RegionOracle',
            r'error: The data folder .* does not exist',
            id='no-data',
        ),
        pytest.param([], 'Oracle', 'error: A Oracle has no rank_labels', id='other-model'),
    ],
)
def test_faults_are_one_line(start, arguments, model, message):
    with pytest.raises(SystemExit, match=message):
        start(*arguments, model=model)
