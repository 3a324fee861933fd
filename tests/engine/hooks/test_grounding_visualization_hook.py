from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mmdet_medglip.engine import GroundingVisualizationHook
from mmdet_medglip.engine.hooks.grounding_visualization_hook import network_view, sample_picture
from mmdet_medglip.visualization.draw_grounding import phrase_colours

BOX = [20, 40, 120, 160]


def make_sample(img_id='p1/slice 3', modality='ct', **changes):
    return {
        'img_id': img_id,
        'modality': modality,
        'ori_shape': (200, 200),
        'img_shape': (100, 100),
        'text': ['spleen', 'liver'],
        'phrase_labels': ['spleen', 'liver'],
        'instances': [{'bbox': BOX, 'bbox_label': 0, 'ignore_flag': 0}],
        'pred_instances': {
            'bboxes': torch.tensor([BOX, BOX]).float(),
            'scores': torch.tensor([0.9, 0.1]),
            'labels': torch.tensor([1, 0]),
        },
    } | changes


@pytest.fixture
def runner(tmp_path):
    images = []
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo={'classes': ('liver', 'spleen')}))
    return SimpleNamespace(
        iter=12,
        work_dir=str(tmp_path),
        val_dataloader=loader,
        test_dataloader=loader,
        visualizer=SimpleNamespace(add_image=lambda *args: images.append(args), images=images),
    )


def run(hook, runner, samples, kind='val'):
    inputs = [torch.full((3, 128, 128), 60, dtype=torch.uint8) for _ in samples]
    getattr(hook, f'before_{kind}_epoch')(runner)
    getattr(hook, f'after_{kind}_iter')(runner, 0, {'inputs': inputs}, samples)
    getattr(hook, f'after_{kind}_epoch')(runner, {})


@pytest.mark.parametrize(('kind', 'folder'), [('val', 'val_000012'), ('test', 'test')])
def test_pictures_are_written(runner, tmp_path, kind, folder):
    run(GroundingVisualizationHook(), runner, [make_sample()], kind)
    picture = cv2.imread(str(tmp_path / 'pictures' / folder / 'ct_p1_slice_3.png'))
    liver = np.array(phrase_colours(2)[1])[::-1]
    assert picture.shape[1] > 1024
    assert (picture == liver).all(-1).any()


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        pytest.param({}, 6, id='all'),
        pytest.param({'draw': False}, 0, id='off'),
        pytest.param({'interval': 2}, 3, id='every-second'),
        pytest.param({'max_images': 1}, 2, id='one-per-modality'),
    ],
)
def test_how_many_are_drawn(runner, tmp_path, options, expected):
    samples = [make_sample(f'a{i}', ('ct', 'mri')[i >= 3]) for i in range(6)]
    run(GroundingVisualizationHook(**options), runner, samples)
    assert len(list(tmp_path.rglob('*.png'))) == expected


def test_a_named_folder_is_taken_as_it_is(runner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(GroundingVisualizationHook(show_dir='shown'), runner, [make_sample()])
    assert len(list((tmp_path / 'shown').rglob('*.png'))) == 1


def test_the_visualizer_gets_the_picture(runner):
    run(GroundingVisualizationHook(add_to_visualizer=True), runner, [make_sample()])
    [(name, picture, step)] = runner.visualizer.images
    assert (name, step) == ('val/ct_p1_slice_3', 12)
    assert picture.dtype == np.uint8


def test_a_window_is_opened_where_asked(runner, monkeypatch):
    shown = []
    monkeypatch.setattr('mmcv.imshow', lambda *args: shown.append(args[1:]))
    run(GroundingVisualizationHook(show=True, wait_time=0.5), runner, [make_sample()])
    assert shown == [('ct_p1_slice_3', 500)]


@pytest.mark.parametrize(
    'shapes',
    [
        pytest.param({'img_shape': (5, 6)}, id='by-size'),
        pytest.param(
            {'img_shape': (8, 8), 'ori_shape': (10, 24), 'scale_factor': (0.25, 0.5)},
            id='by-scale-when-the-pipeline-pads',
        ),
    ],
)
def test_the_network_view_is_rgb_without_padding(shapes):
    bgr = torch.stack([torch.full((8, 8), value) for value in (10.0, 20.0, 300.0)])
    view = network_view(bgr, shapes)
    assert view.shape == (5, 6, 3)
    assert view[0, 0].tolist() == [255, 20, 10]


@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({'instances': []}, id='no-truth'),
        pytest.param(
            {
                'pred_instances': {
                    k: torch.zeros(0, 4) if k == 'bboxes' else torch.zeros(0)
                    for k in ('bboxes', 'scores', 'labels')
                }
            },
            id='no-predictions',
        ),
        pytest.param(
            {
                'text': ['liver'],
                'phrase_labels': ['liver'],
                'pred_instances': {'bboxes': [], 'scores': [], 'labels': []},
            },
            id='truth-was-not-asked',
        ),
        pytest.param(
            {'text': 'spleen and liver', 'phrase_labels': None, 'phrases': ['spleen', 'liver']},
            id='caption',
        ),
    ],
)
def test_empty_and_caption_samples_are_drawn(changes):
    image = np.zeros((100, 100, 3), np.uint8)
    picture = sample_picture(image, make_sample(**changes), ('spleen', 'liver'))
    assert picture.shape[2] == 3


def test_boxes_are_scaled_to_the_view_and_weak_ones_left_out():
    image = np.zeros((100, 100, 3), np.uint8)
    picture = sample_picture(image, make_sample(), ('liver', 'spleen'))
    right = picture[:560, 10 + 512 + 10 :]
    spleen, liver = ((right == colour).all(-1) for colour in phrase_colours(2))
    assert not spleen.any()
    # x1 = 20 of 200 pixels is 51 of the panel's 512.
    assert np.nonzero(liver.sum(0) > 100)[0].min() == pytest.approx(51, abs=3)


def test_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='`interval` >= 1, got 0'):
        GroundingVisualizationHook(interval=0)
