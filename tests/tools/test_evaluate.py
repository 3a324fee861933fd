import json

import numpy as np
import pytest

from mmdet_medglip.evaluation import ImageResult, Results, save_results

TRUTH, FAR = [0, 0, 10, 10], [80, 80, 90, 90]
LABELS = ('liver', 'polyp')


def write(path, found, count=12):
    """Results where the first ``found`` images are answered rightly."""
    images = [
        ImageResult(
            image_id=f'{number:02}',
            modality=('ct', 'endoscopy')[number % 2],
            height=100,
            width=100,
            phrases=LABELS,
            asked=np.array([0, 1]),
            boxes=np.array([TRUTH if number < found else FAR], np.float32),
            scores=np.array([0.9], np.float32),
            box_phrases=np.array([number % 2]),
            gt_boxes=np.array([TRUTH], np.float32),
            gt_labels=np.array([number % 2]),
            gt_ignore=np.array([False]),
        )
        for number in range(count)
    ]
    save_results(path, Results(LABELS, LABELS, tuple(images), config='ct.py'))
    return str(path)


@pytest.fixture
def evaluate(load_tool, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr('sys.argv', ['evaluate.py', *arguments])
        load_tool('evaluate.py').main()
        return capsys.readouterr().out

    return run


def test_tables_and_json_of_parts_and_a_comparison(evaluate, tmp_path):
    better, worse = write(tmp_path / 'better.npz', 12), write(tmp_path / 'worse.npz', 3)
    file = tmp_path / 'figures.json'
    options = ['--by', 'modality', 'label', '--against', worse, '--json', str(file)]
    out = evaluate(better, *options, '--repeats', '50')
    for part in ('Detection (COCO)', 'FROC', 'Phrase grounding', 'Presence', 'over patients'):
        assert part in out
    assert 'modality/ct' in out
    assert 'modality/ct coco/macro_AP50' not in out, 'of one modality it is the AP50'
    report = json.loads(file.read_text())
    assert set(report['figures']) == {
        *('all', 'modality/ct', 'modality/endoscopy'),
        *('label/liver', 'label/polyp'),
    }
    assert report['figures']['all']['coco/AP50'] == pytest.approx(1)
    assert report['figures']['all']['coco/AP_large'] is None
    assert report['intervals']['all']['phrase/Recall@1'] == [1, 1]
    recall = report['comparison']['all']['phrase/Recall@1']
    assert (recall['first'], recall['second'], recall['difference']) == (0.25, 1, 0.75)
    assert recall['p_swap'] < 0.05
    lines = [line.split() for line in out.splitlines()]
    shown = next(line for line in lines[::-1] if line[:2] == ['all', 'phrase/Recall@1'])
    assert shown[2:5] == ['0.250', '1.000', '0.750']


def write_volume(path):
    """Three slices of an organ, found on the outer two, and an image that is no slice."""
    images = [
        ImageResult(
            image_id=f's/{number}',
            modality='ct',
            height=100,
            width=100,
            phrases=LABELS,
            asked=np.array([0, 1]),
            boxes=np.array([TRUTH] * count, np.float32).reshape(-1, 4),
            scores=np.full(count, 0.9, np.float32),
            box_phrases=np.zeros(count, int),
            gt_boxes=np.array([TRUTH], np.float32),
            gt_labels=np.array([0]),
            gt_ignore=np.array([False]),
            series_id='' if number > 2 else 's',
            slice_index=None if number > 2 else number,
            gt_objects=('liver',),
        )
        for number, count in enumerate([1, 0, 1, 1])
    ]
    save_results(path, Results(LABELS, LABELS, tuple(images)))
    return str(path)


def test_volumes_are_measured_beside_images(evaluate, tmp_path):
    file, out_file = write_volume(tmp_path / 'v.npz'), tmp_path / 'figures.json'
    options = ['--volumes', '--repeats', '0', '--by', 'label', 'size', '--json', str(out_file)]
    out = evaluate(file, *options)
    assert '3-D boxes, by volume' in out
    assert '1 volumes' in out
    assert 'in no volume: 1 images, no slice of a volume' in out
    report = json.loads(out_file.read_text())
    assert report['in_no_volume'] == {'no slice of a volume': 1}
    figures = report['figures']
    assert figures['all']['volume/AP50'] == figures['label/liver']['volume/AP50'] == 1
    assert 'volume/AP50' not in figures['size/small']
    assert figures['all']['coco/AP50'] < 1, 'the same boxes in 2-D'
    evaluate(file, *options, '--link-gap', '0')
    apart = json.loads(out_file.read_text())['figures']['all']
    assert (apart['volume/AP50'], apart['volume/AP@0.1']) == (0, 1)
    assert 'volume/AP50' not in evaluate(file, '--repeats', '0')


def test_without_repeats_there_are_no_intervals(evaluate, tmp_path):
    out = evaluate(write(tmp_path / 'r.npz', 12), '--repeats', '0')
    assert 'intervals' not in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(['none.npz'], r'error: There is no result file at none\.npz', id='absent'),
        pytest.param(['r.npz', '--against', 'other.npz'], 'error: 4 images are in one', id='other'),
        pytest.param(
            ['r.npz', '--volumes', '--link-overlap', '0'],
            r'error: overlap must lie in \(0, 1\]',
            id='link',
        ),
        pytest.param(['r.npz', '--backend', 'x'], "error: Unknown backend 'x'", id='backend'),
    ],
)
def test_errors_are_one_line(evaluate, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / 'r.npz', 3)
    write(tmp_path / 'other.npz', 3, count=8)
    with pytest.raises(SystemExit, match=message):
        evaluate(*arguments)


def test_against_needs_repeats(evaluate, tmp_path, capsys):
    path = write(tmp_path / 'r.npz', 3)
    with pytest.raises(SystemExit):
        evaluate(path, '--against', path, '--repeats', '0')
    assert '--against needs --repeats' in capsys.readouterr().err
