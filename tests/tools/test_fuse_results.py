import numpy as np
import pytest

from mmdet_medglip.evaluation import ImageResult, Results, load_results, save_results


def write(path, score):
    image = ImageResult(
        image_id='a',
        modality='ct',
        height=10,
        width=10,
        phrases=('liver',),
        asked=np.array([0]),
        boxes=np.array([[0, 0, 5, 5]], np.float32),
        scores=np.array([score], np.float32),
        box_phrases=np.array([0]),
        gt_boxes=np.array([[0, 0, 5, 5]], np.float32),
        gt_labels=np.array([0]),
        gt_ignore=np.array([False]),
    )
    save_results(path, Results(classes=('liver',), class_names=('liver',), images=(image,)))
    return str(path)


def test_two_files_become_one(load_tool, tmp_path, monkeypatch, capsys):
    files = [write(tmp_path / f'{score}.npz', score) for score in (0.25, 0.75)]
    out = tmp_path / 'fused.npz'
    monkeypatch.setattr('sys.argv', ['fuse', *files, '--out', str(out), '--weights', '1', '3'])
    load_tool('fuse_results.py').main()
    (image,) = load_results(out).images
    assert image.scores == pytest.approx([(0.25 + 3 * 0.75) / 4])
    assert f'{out}: 1 boxes on 1 images' in capsys.readouterr().out


def test_one_file_is_an_error(load_tool, tmp_path, monkeypatch):
    argv = ['fuse', write(tmp_path / 'a.npz', 0.5), '--out', str(tmp_path / 'b.npz')]
    monkeypatch.setattr('sys.argv', argv)
    with pytest.raises(SystemExit, match='at least two results'):
        load_tool('fuse_results.py').main()
