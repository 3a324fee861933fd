"""medglip predict, from the command line to files."""

import json
from pathlib import Path

import pytest

from mmdet_medglip.cli.main import main


@pytest.fixture
def call(capsys, model_files):
    def run(*words):
        config, weights = model_files
        options = ('--weights', weights, '--device', 'cpu', '--num-workers', '0')
        status = main(['predict', config, *map(str, words), *options])
        return status, *capsys.readouterr()

    return run


def test_a_folder_with_a_bad_file(call, make_picture, tmp_path):
    root = tmp_path / 'in'
    make_picture('a', folder=root)
    make_picture('b', 1, folder=root)
    (root / 'bad.png').write_bytes(b'no image')
    (root / 'notes.txt').write_text('no image')
    out = tmp_path / 'out'
    status, text, _ = call(
        *(root, '-p', 'liver, no cyst', '--modality', 'ct', '--score-thr', 0),
        *('--out', out, '--formats', 'json', 'coco', 'csv', 'png'),
    )
    assert status == 1
    assert '2 images, ' in text
    assert '1 without answer, 1 files skipped' in text
    content = json.loads((out / 'predictions.json').read_text())
    assert [one['phrases'][1]['negated'] for one in content['results']] == [True, True]
    assert len(content['failures']) == 2
    assert len(list((out / 'pictures').iterdir())) == 2
    assert (out / 'coco.json').is_file()
    assert (out / 'boxes.csv').is_file()


def test_the_output_is_no_input(call, make_picture, tmp_path, monkeypatch):
    make_picture('a', folder=tmp_path / 'in')
    monkeypatch.chdir(tmp_path / 'in')
    for out in ('found', 'found'):
        status, text, _ = call('.', '-p', 'liver', '--modality', 'ct', '--out', out)
        assert status == 0
        assert '1 images, ' in text
        assert 'skipped' not in text
        assert len(list(Path(out, 'pictures').iterdir())) == 1


def test_the_input_folder_as_output_folder(call, make_picture, tmp_path):
    make_picture('a', folder=tmp_path / 'in')
    for _ in range(2):
        words = (tmp_path / 'in', '-p', 'liver', '--modality', 'ct', '--out', tmp_path / 'in')
        assert '1 images, ' in call(*words)[1]


def test_a_line_of_json_for_each_image(call, picture):
    status, text, told = call(picture, '-p', 'liver', '--modality', 'ct', '--json')
    assert status == 0
    (line,) = text.splitlines()
    assert json.loads(line)['path'] == str(picture)
    assert '1 images' in told


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        pytest.param(('x.png',), 'either --prompt or --report', id='no-prompt'),
        pytest.param(('x.png', '-p', ' '), 'Empty prompt', id='empty-prompt'),
        pytest.param(('x.png', '-p', 'a', '--score-thr', '3'), 'score_thr', id='score'),
        pytest.param(('x.png', '-p', 'a', '--window', '3,x'), '--window expects', id='window'),
        pytest.param(('x.png', '-p', 'a', '--cfg-options', 'x'), '--cfg-options', id='options'),
        pytest.param(('x.png', '--report', 'no.txt'), 'no.txt', id='report'),
    ],
)
def test_a_wrong_command_line_is_2_and_one_line(call, words, message):
    status, _, told = call(*words)
    assert status == 2
    assert message in told
    assert told.count('\n') == 1


def test_a_missing_config_is_2(capsys):
    assert main(['predict', 'no.py', 'x.png', '-p', 'liver']) == 2
    assert 'Config no.py does not exist' in capsys.readouterr().err
