"""medglip predict, from the command line to files."""

import json
from pathlib import Path

import pytest

from mmdet_medglip.apis import Failure, GroundingResult, ImageSource, read_question
from mmdet_medglip.cli import predict_command
from mmdet_medglip.cli.main import main
from mmdet_medglip.ingest.engines import WorkerDiedError


@pytest.fixture
def call(capsys, model_files):
    def run(*words):
        config, weights = model_files
        options = ('--weights', weights, '--device', 'cpu', '--num-workers', '0')
        status = main(['predict', config, *options, *map(str, words)])
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
        pytest.param(('x.png', '-p', 'a', '--device', 'cuda:99'), "'cuda:99'", id='device'),
        pytest.param(
            ('x.png', '-p', 'a', '--cfg-options', 'model.type=Foo'), 'Foo is not in', id='override'
        ),
        pytest.param(('x.png', '-p', 'a', '--formats', 'csv'), '--formats needs', id='formats'),
        pytest.param(('x.png', '-p', 'a', '--workers', '2'), '--workers needs', id='workers'),
        pytest.param(
            ('x.png', '-p', 'a', '--engine', 'processes', '--scheduler', 'tcp://a:1'),
            '--scheduler needs --engine dask',
            id='scheduler',
        ),
        pytest.param(
            ('x.png', '-p', 'a', '--out', f'{__file__}/found'),
            'test_predict.py is a file',
            id='out',
        ),
        pytest.param(('x.png', '--report', 'no.txt'), 'no.txt', id='report'),
    ],
)
def test_a_wrong_command_line_is_2_and_one_line(call, words, message):
    status, _, told = call(*words)
    assert status == 2
    assert message in told
    assert told.count('\n') == 1


def test_a_report_that_is_not_utf_8_is_named(call, tmp_path):
    report = tmp_path / 'latin1.txt'
    report.write_bytes('No œdème. Épanchement.'.encode('cp1252'))
    status, _, told = call('x.png', '--report', report)
    assert status == 2
    assert f'{report} is not UTF-8; save it as UTF-8' in told


def test_an_output_that_is_a_file_is_told_before_a_model_is_read(capsys):
    assert main(['predict', 'no.py', 'x.png', '-p', 'liver', '--out', __file__]) == 2
    assert '--out' in capsys.readouterr().err


def answers_and_failures(images, failures, skips):
    for number in range(images):
        yield GroundingResult(
            ImageSource(f'{number}.png'), 4, 4, read_question('liver'), (), (), 'ct'
        )
    for number in range(skips):
        yield Failure(ImageSource(f'{number}.txt'), 'skip', f'{number}.txt is no image.')
    for number in range(failures):
        yield Failure(ImageSource(f'{number}.png'), 'read', f'{number}.png is damaged.')


@pytest.mark.parametrize(
    ('words', 'all_are'),
    [
        ((), 'and 5 more; --json or --out with --formats json or csv lists all'),
        (('--out', 'found'), 'and 5 more; all are listed in found'),
        (('--out', 'found', '--formats', 'png'), 'and 5 more; --json or --out with --formats'),
        (('--json',), 'and 5 more; the lines of JSON have all'),
    ],
)
def test_what_is_not_printed_is_told(words, all_are, monkeypatch, capsys):
    monkeypatch.setattr(predict_command, '_answers', lambda _: answers_and_failures(22, 2, 23))
    assert main(['predict', 'a.py', 'x.png', '-p', 'liver', *words]) == 1
    out, err = capsys.readouterr()
    told = err if '--json' in words else out
    assert all_are in told
    assert ('and 2 more images; --out or --json has all' in told) == (not words)
    # What failed is told before what was passed over.
    assert told.index('1.png is damaged') < told.index('0.txt is no image')
    assert '17.txt' in told
    assert '18.txt' not in told
    assert '22 images, 0 boxes, 2 without answer, 23 files skipped' in told


def test_a_missing_config_is_2(capsys):
    assert main(['predict', 'no.py', 'x.png', '-p', 'liver']) == 2
    assert 'Config no.py does not exist' in capsys.readouterr().err


def test_the_death_of_a_worker_is_one_sentence(monkeypatch, capsys):
    def die(args, console):
        raise WorkerDiedError('terminated abruptly')

    monkeypatch.setattr(predict_command, 'run', die)
    assert main(['predict', 'a.py', 'x.png', '-p', 'liver']) == 1
    assert capsys.readouterr().err.startswith('medglip: a worker process died')
