import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.evaluation import ImageResult, Results, save_results
from mmdet_medglip.testing.random_vision_language import write_random_llava

TEXTS = ['Left pleural effusion. No pneumothorax.', 'Cardiomegaly. Scoliosis.', 'Lungs are clear.']


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Folder of a random LLaVA."""
    return write_random_llava(tmp_path_factory.mktemp('model') / 'llava')


@pytest.fixture
def data(tmp_path):
    """Open-i tables of three reports and one without text, their images, and a result file."""
    lines = [f'{uid},,,,,,{text},' for uid, text in enumerate(TEXTS)] + ['9,,,,,,,']
    header = 'uid,MeSH,Problems,image,indication,comparison,findings,impression'
    (tmp_path / 'indiana_reports.csv').write_text('\n'.join([header, *lines]))
    names = [f'{uid}_IM-0001-4001.dcm' for uid in range(3)]
    rows = ['uid,filename,projection', *(f'{n[0]},{n}.png,Frontal' for n in names)]
    (tmp_path / 'indiana_projections.csv').write_text('\n'.join(rows))
    (tmp_path / 'images').mkdir()
    boxes = np.array([[24, 12, 38, 28]], np.float32)
    images = []
    for number, name in enumerate(names):
        Image.fromarray(np.full((30, 40), 60 * number, np.uint8)).save(
            tmp_path / 'images' / f'{name}.png'
        )
        images.append(
            ImageResult(
                image_id=f'openi/{name}',
                modality='xray',
                height=30,
                width=40,
                phrases=('pleural effusion', 'pneumothorax'),
                asked=np.array([0, 1]),
                boxes=boxes,
                scores=np.array([0.75], np.float32),
                box_phrases=np.array([0]),
                gt_boxes=boxes,
                gt_labels=np.array([0]),
                gt_ignore=np.array([False]),
                patient_id=name,
            )
        )
    classes = ('pleural_effusion', 'pneumothorax')
    results = Results(classes, ('pleural effusion', 'pneumothorax'), tuple(images))
    save_results(tmp_path / 'r.npz', results)
    return tmp_path


@pytest.fixture
def tool(load_tool, data):
    """Call the tool with the data of Open-i."""
    module = load_tool('report.py')

    def call(command, *options):
        given = [command, '--reports', data, '--format', 'openi-csv', *options]
        module.main([str(one) for one in given])

    return call


def test_reports_are_written_scored_and_grounded(tool, data, model, capsys):
    out = data / 'g.jsonl'
    common = ['--images', data / 'images', '--model', model, '--device', 'cpu', '--out', out]
    short = ['--max-new-tokens', 4, '--batch-size', 2]
    regions = ['--regions', data / 'r.npz', '--sides', 'radiological']
    tool('generate', *common, *short, '--condition', 'predicted', *regions)
    printed = capsys.readouterr().out
    assert 'left out: 1 x no findings and no impression, the first is 9' in printed
    assert '3 reports (3 written, 0 were there, 0 from the cache)' in printed
    rows = read_log(out)
    assert [row['report_id'] for row in rows] == ['0', '1', '2']
    assert all(row['text'] for row in rows)
    assert 'pleural effusion' in rows[0]['context']
    (boxes,) = rows[0]['evidence'].values()
    assert boxes == [dict(label='pleural effusion', box=[24, 12, 38, 28], score=0.75)]

    out.write_bytes(b'\n'.join(out.read_bytes().splitlines()[:2]) + b'\n{"rep')
    tool('generate', *common, *short, '--condition', 'predicted', *regions)
    assert '3 reports (1 written, 2 were there' in capsys.readouterr().out
    assert read_log(out) == rows

    for row, text in zip(rows, ['Right effusion.', 'Cardiomegaly.', ''], strict=True):
        row['text'] = text
    out.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    figures = data / 'figures.json'
    tool(
        'score', '--generated', out, '--modality', 'xray', '--overlap', 'BLEU',
        '--radeval', 'f1chexbert', '--json', figures,
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert 'not computed: radeval/f1chexbert: needs RadEval' in printed
    assert '3 reports compared, 0 references' in printed
    (found,) = json.loads(figures.read_text()).values()
    # Effusion and cardiomegaly of three positive ones; scoliosis is missed.
    assert found['figures']['findings/positive_F1'] == pytest.approx(2 * 2 / 5)
    assert found['figures']['findings/sided_recall'] == pytest.approx(1 / 3)
    assert found['empty'] == ['2']


def test_reports_of_the_set_are_grounded(tool, data, capsys):
    tool(
        'ground', '--images', data / 'images', '--regions', data / 'r.npz',
        '--sides', 'radiological', '--out', data / 'grounded',
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert '2 sentences: supported' in printed
    assert '2 sentences: unsupported' in printed
    lines = (data / 'grounded' / 'grounded.jsonl').read_text().splitlines()
    found = [[s['verdict'] for s in json.loads(line)['sentences']] for line in lines]
    assert found == [
        ['supported', 'supported'],
        ['unsupported', 'unsupported'],
        ['nothing to ground'],
    ]
    assert json.loads(lines[1])['unmentioned'][0]['label'] == 'pleural effusion'
    html = (data / 'grounded' / 'grounded.html').read_text()
    assert html.count('src="data:image/png;base64,') == 3
    markdown = (data / 'grounded' / 'grounded.md').read_text()
    assert '(pictures/3.png)' in markdown
    assert (data / 'grounded' / 'pictures' / '3.png').is_file()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param(['--model', 'm', '--out', 'o'], 'has no image file', id='no images'),
        pytest.param(['--model', 'm', '--out', 'o', '--split', 'test'], 'no report of', id='split'),
    ],
)
def test_errors_are_one_line(tool, options, message):
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        tool('generate', *options)


@pytest.mark.parametrize(
    ('command', 'options', 'message'),
    [
        pytest.param('ground', ['--out', 'o'], 'ground needs --regions', id='no regions'),
        pytest.param(
            'generate', ['--model', 'm', '--out', 'o', '--condition', 'true'], 'go together',
            id='condition without regions',
        ),
        pytest.param(
            'score', ['--generated', 'g', '--limit', '0'], '--limit must be', id='limit'
        ),
        pytest.param('score', ['--generated', 'g', '--radeval', 'crimson'], 'choice', id='outside'),
    ],
)  # fmt: skip
def test_wrong_options(tool, capsys, command, options, message):
    with pytest.raises(SystemExit):
        tool(command, *options)
    assert message in capsys.readouterr().err


def test_it_runs_as_a_program(repo_root, data):
    done = subprocess.run(
        [sys.executable, repo_root / 'tools' / 'report.py', 'score', '--reports', data / 'none',
         '--generated', data / 'g.jsonl'],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().endswith('none does not exist.')
