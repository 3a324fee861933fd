import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.vqa import VqaAnswer, VqaRecord, write_lines
from mmdet_medglip.evaluation import ImageResult, Results, save_results
from mmdet_medglip.testing.random_vision_language import write_random_llava


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Folder of a random LLaVA."""
    return write_random_llava(tmp_path_factory.mktemp('model') / 'llava')


@pytest.fixture
def questions(tmp_path):
    """Six questions about three images, as lines."""
    records = []
    for number in range(6):
        path = tmp_path / f'image{number // 2}.png'
        Image.fromarray(np.full((30, 40), 40 * (number // 2), np.uint8)).save(path)
        is_closed = number % 2 == 0
        records.append(
            VqaRecord(
                f'q{number}',
                path.stem,
                path,
                'is it normal?' if is_closed else f'what is organ number {number}?',
                'yes' if is_closed else 'left kidney',
                'closed' if is_closed else 'open',
                f'p{number // 2}',
            )
        )
    write_lines(tmp_path / 'questions.jsonl', records)
    return tmp_path / 'questions.jsonl'


@pytest.fixture
def results(tmp_path):
    """A result file of the three images, each with one answered and one true box."""
    boxes = np.array([[4, 3, 20, 15]], np.float32)
    images = [
        ImageResult(
            image_id=f'source/image{number}',
            modality='ct',
            height=30,
            width=40,
            phrases=('left kidney', 'liver'),
            asked=np.array([0, 1]),
            boxes=boxes + number,
            scores=np.array([0.5], np.float32),
            box_phrases=np.array([0]),
            gt_boxes=boxes,
            gt_labels=np.array([1]),
            gt_ignore=np.array([False]),
            patient_id=f'p{number}',
        )
        for number in range(3)
    ]
    names = ('kidney_left', 'liver')
    save_results(tmp_path / 'r.npz', Results(names, ('left kidney', 'liver'), tuple(images)))
    return tmp_path / 'r.npz'


def run_of(questions, model, out, *more):
    return [
        'run', '--questions', str(questions), '--model', model, '--out', str(out), '--device',
        'cpu', '--max-new-tokens', '4', '--batch-size', '2', *map(str, more),
    ]  # fmt: skip


def test_run_and_score(load_tool, questions, results, model, tmp_path, capsys):
    tool = load_tool('vqa.py')
    contexts = {}
    for condition in ('none', 'predicted', 'true', 'shuffled'):
        out = tmp_path / f'{condition}.jsonl'
        regions = () if condition == 'none' else ('--regions', results, '--text', 'pixel')
        tool.main(run_of(questions, model, out, '--condition', condition, *regions))
        rows = read_log(out)
        assert [row['question_id'] for row in rows] == [f'q{number}' for number in range(6)]
        contexts[condition] = [
            [(one['label'], *one['box']) for one in row['evidence']] for row in rows[::2]
        ]
    own = [[('left kidney', 4 + n, 3 + n, 20 + n, 15 + n)] for n in range(3)]
    assert contexts['none'] == [[], [], []]
    assert contexts['predicted'] == own
    assert contexts['true'] == [[('liver', 4, 3, 20, 15)]] * 3
    assert sorted(contexts['shuffled']) == sorted(own)
    assert all(one != other for one, other in zip(contexts['shuffled'], own, strict=True))
    assert '6 answers (6 asked, 0 were there' in capsys.readouterr().out
    files = [str(tmp_path / f'{condition}.jsonl') for condition in contexts]
    json_to = ['--json', str(tmp_path / 'scores.json')]
    tool.main(
        ['score', '--questions', str(questions), '--repeats', '20', '--answers', *files, *json_to]
    )
    assert 'regions: shuffled' in capsys.readouterr().out
    report = json.loads((tmp_path / 'scores.json').read_text())
    assert [one['condition'] for one in report.values()] == list(contexts)
    closed = report[files[0]]['figures']['closed_accuracy']
    assert closed['questions'] == 3
    assert 0 <= closed['value'] <= 1


def test_scores_by_hand(load_tool, questions, tmp_path, capsys):
    texts = ['Yes.', 'kidney', 'no', 'left kidney', 'yes', 'the spleen']
    lines = [
        VqaAnswer(f'q{n}', f'image{n // 2}', text, '', (), 'm', 'none', 's', 'stand-in').to_line()
        for n, text in enumerate(texts)
    ]
    path = tmp_path / 'a.jsonl'
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    command = ['score', '--questions', str(questions), '--answers', str(path), '--repeats', '20']
    load_tool('vqa.py').main([*command, '--json', str(tmp_path / 's.json')])
    report = json.loads((tmp_path / 's.json').read_text())[str(path)]
    values = {name: one['value'] for name, one in report['figures'].items()}
    assert values['closed_accuracy'] == pytest.approx(2 / 3)
    assert values['open_recall'] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert report['stand_in_pictures'] == 6
    assert '6 answers are to made pictures' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        pytest.param(['--condition', 'true'], '--regions and a --condition', id='no_regions'),
        pytest.param(['--regions', 'r.npz'], '--regions and a --condition', id='no_condition'),
        pytest.param(['--split', 'test'], '--split is for vqa-rad', id='split'),
        pytest.param(['--limit', '0'], '--limit must be at least 1', id='limit'),
        pytest.param(
            ['--stand-in-images', '--image-root', '.'], 'takes the place of', id='stand_in'
        ),
    ],
)
def test_options_that_do_not_fit(load_tool, questions, capsys, more, message):
    with pytest.raises(SystemExit):
        load_tool('vqa.py').main(run_of(questions, 'm', 'a.jsonl', *more))
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('change', 'more', 'message'),
    [
        pytest.param('remove', [], 'image0.png does not exist', id='missing_image'),
        pytest.param('none', ['--format', 'slake'], 'is not valid JSON', id='another_format'),
        pytest.param('empty', [], "'question' is empty", id='empty_question'),
        pytest.param(
            'none', ['--condition', 'true', '--regions', 'no.npz'], 'no result file', id='regions'
        ),
    ],
)
def test_bad_input_is_one_sentence(
    load_tool, questions, model, tmp_path, monkeypatch, change, more, message
):
    monkeypatch.chdir(tmp_path)
    if change == 'remove':
        (tmp_path / 'image0.png').unlink()
    if change == 'empty':
        text = questions.read_text().replace('is it normal?', ' ')
        questions.write_text(text)
    with pytest.raises(SystemExit, match=message) as caught:
        load_tool('vqa.py').main(run_of(questions, model, tmp_path / 'a.jsonl', *more))
    assert str(caught.value).startswith('error: ')
    assert '\n' not in str(caught.value)


def test_bad_questions_are_skipped_on_request_and_shown(
    load_tool, questions, model, tmp_path, capsys
):
    (tmp_path / 'image1.png').unlink()
    out = tmp_path / 'a.jsonl'
    tool = load_tool('vqa.py')
    tool.main(run_of(questions, model, out, '--skip-bad-questions'))
    assert [row['question_id'] for row in read_log(out)] == ['q0', 'q1', 'q4', 'q5']
    printed = capsys.readouterr().out
    assert 'skipped: 2 questions' in printed
    assert 'image1.png does not exist' in printed
    command = ['score', '--questions', str(questions), '--answers', str(out)]
    with pytest.raises(SystemExit, match='2 of 6 questions have no answer'):
        tool.main(command)
    tool.main([*command, '--answered-only'])
    assert '2 questions have no answer and do not count' in capsys.readouterr().out


def test_real_questions_end_to_end_on_made_pictures(
    load_tool, model, real_data_root, tmp_path, capsys
):
    path = real_data_root / 'vqa' / 'vqa_med_2019_json' / 'testset.json'
    if not path.is_file():
        pytest.skip(f'no questions at {path}')
    out, tool = tmp_path / 'a.jsonl', load_tool('vqa.py')
    common = ['--format', 'vqa-rad', '--limit', '12']
    with pytest.raises(SystemExit, match='12 of 12 questions have no image'):
        tool.main(run_of(path, model, out, *common))
    tool.main(run_of(path, model, out, *common, '--stand-in-images'))
    assert {row['picture'] for row in read_log(out)} == {'stand-in'}
    tool.main(['score', '--questions', str(path), *common, '--answers', str(out)])
    printed = capsys.readouterr().out
    assert '2000 questions (202 closed, 1798 open) about 500 images' in printed
    assert '12 answers are to made pictures' in printed


@pytest.mark.slow
def test_a_killed_run_loses_nothing(repo_root, questions, results, model, tmp_path):
    """Kill a run twice, as soon as a batch was written, and finish it."""
    out, whole = tmp_path / 'killed.jsonl', tmp_path / 'whole.jsonl'
    more = ('--condition', 'predicted', '--regions', results)

    def command(path):
        tool = str(repo_root / 'tools' / 'vqa.py')
        return [sys.executable, tool, *run_of(questions, model, path, *more)]

    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    for lines in (2, 4):
        process = subprocess.Popen(command(out), env=env, stdout=subprocess.DEVNULL)
        while process.poll() is None and (not out.is_file() or len(read_log(out)) < lines):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with out.open('ab') as file:  # as if it had been killed while it wrote
            file.write(b'{"question_id": "q')
    found = subprocess.run(command(out), env=env, capture_output=True, text=True, check=True)
    assert f'{out}: 6 answers' in found.stdout
    assert '(6 asked' not in found.stdout
    subprocess.run(command(whole), env=env, capture_output=True, check=True)
    assert out.read_bytes() == whole.read_bytes()
