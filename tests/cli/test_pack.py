"""medglip pack, and predict with what it made."""

import json

import pytest

from mmdet_medglip.cli.main import main


def test_from_config_to_answers_and_back(model_files, picture, tmp_path, capsys):
    config, weights = model_files
    folder = tmp_path / 'models' / 'two'
    words = ['pack', config, str(folder), '--weights', weights, '--licence', 'MIT']
    assert main(words) == 0
    assert '5 files' in capsys.readouterr().out
    assert main(['predict', str(folder), str(picture), '-p', 'liver', '--modality', 'ct', '--json',
                 '--device', 'cpu', '--num-workers', '0', '--score-thr', '0']) == 0  # fmt: skip
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)['boxes']
    (folder / 'LICENSE').write_text('changed')
    assert main(['predict', str(folder), str(picture), '-p', 'liver']) == 2
    assert 'LICENSE was changed or damaged' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        pytest.param(('no.py', 'out', '--licence', 'MIT'), 'no.py does not exist', id='config'),
        pytest.param(('no.py', 'out', '--licence', ' '), 'licence must say', id='licence'),
        pytest.param(
            ('no.py', 'out', '--licence', 'MIT', '--cfg-options', 'x'), 'KEY=VALUE', id='options'
        ),
    ],
)
def test_a_wrong_command_line(words, message, capsys):
    assert main(['pack', *words]) == 2
    assert message in capsys.readouterr().err


def test_words_that_must_not_get_into_dicom(model_files, picture, tmp_path, capsys):
    config, weights = model_files
    words = ('predict', config, str(picture), '--weights', weights, '-p', 'shadow of Mr Smith')
    assert main([*words, '--out', str(tmp_path), '--formats', 'sr']) == 2
    assert '--allow-words' in capsys.readouterr().err
