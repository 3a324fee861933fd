import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from mmdet_medglip.apis import (
    AnswerOptions,
    Failure,
    GroundingResult,
    MedGLIPInferencer,
    ReadOptions,
    pipeline,
    read_question,
)
from mmdet_medglip.apis.inputs import InputItem
from mmdet_medglip.apis.reading import images_of
from mmdet_medglip.datasets.transforms import RouteModality
from tests.apis.conftest import grey
from tests.ingest import dicom_files

LOOSE = dict(modality='ct', score_thr=0.0)


def test_boxes_in_pixels_of_the_original_image(inferencer, picture):
    found = inferencer(str(picture), 'Detect: liver, spleen', **LOOSE)
    (result,) = found['predictions']
    assert found['failures'] == found['visualization'] == []
    assert (result.height, result.width) == (40, 60)
    assert result.source.path == str(picture)
    assert result.modality == 'ct'
    assert result.routed_by == 'given'
    assert 0 < len(result.boxes) <= 20
    x1, y1, x2, y2 = result.xyxy.T
    assert min(x1.min(), y1.min()) >= 0
    assert x2.max() <= 60
    assert y2.max() <= 40
    assert (np.diff(result.scores) <= 0).all()
    assert {box.name for box in result.boxes} <= {'liver', 'spleen'}


def test_it_answers_as_the_model_does(inferencer):
    """Same boxes as the model's own test step on the pipeline's output, with the text in it."""
    from mmdet_medglip.apis.pipeline import InferencePipeline

    image = grey(40, 60)
    (result,) = inferencer(image, ['liver', 'spleen'], **LOOSE)['predictions']
    pipeline = InferencePipeline(inferencer.steps, inferencer.router)
    packed, _ = pipeline(dict(pixels=image, modality='ct', img_id='x'))
    packed['data_samples'].set_metainfo(dict(text=['liver', 'spleen']))
    batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    with torch.no_grad():
        (sample,) = inferencer.model.test_step(batch)
    expected = sample.pred_instances
    assert result.scores.tolist() == pytest.approx(expected.scores.tolist(), abs=1e-6)
    limit = np.array([60, 40, 60, 40])
    boxes = np.clip(expected.bboxes.numpy(), 0, limit)
    assert np.abs(result.xyxy - boxes).max() < 1e-3


def test_batches_and_threads_do_not_change_answers(inferencer):
    images = [grey(40, 60, seed) for seed in range(5)]
    plain = inferencer(images, 'liver', batch_size=1, num_workers=0, **LOOSE)['predictions']
    fast = inferencer(images, 'liver', batch_size=3, num_workers=2, **LOOSE)['predictions']
    assert [one.source.name for one in fast] == [f'array {n}' for n in range(5)]
    for one, other in zip(plain, fast, strict=True):
        assert one.scores.tolist() == pytest.approx(other.scores.tolist(), abs=1e-5)


def test_a_prompt_for_each_input(inferencer):
    image = grey(40, 60)
    found = inferencer([image, image], [['liver'], 'spleen, no cyst'], **LOOSE)['predictions']
    assert found[0].phrases == ('liver',)
    assert found[1].phrases == ('spleen', 'cyst')
    together = inferencer(image, 'liver', **LOOSE)['predictions'][0]
    assert found[0].scores.tolist() == pytest.approx(together.scores.tolist(), abs=1e-5)


def test_the_prompt_of_all_images_is_encoded_once(inferencer, monkeypatch):
    calls = []
    encode = inferencer.model.language_model._compute
    monkeypatch.setattr(
        inferencer.model.language_model, '_compute', lambda ids: calls.append(1) or encode(ids)
    )
    images = [grey(40, 60, seed) for seed in range(4)]
    inferencer(images, 'pancreas, adrenal gland', batch_size=1, **LOOSE)
    assert len(calls) == 1


def test_reports_ask_for_what_they_deny(inferencer):
    text = 'No effusion. A nodule in the left lung. Heart is normal.'
    (result,) = inferencer(grey(40, 60), text, report=True, **LOOSE)['predictions']
    assert result.phrases == ('effusion', 'nodule')
    assert [one.phrase for one in result.contradictions] == ['effusion']
    assert result.to_dict()['not_asked'] == [['Heart', 'normal']]


def test_options_of_a_call_end_with_it(inferencer):
    image = grey(40, 60)

    def run(**options):
        return inferencer(image, 'liver, abdomen', modality='ct', **options)['predictions'][0]

    plain = run(score_thr=0.0)
    assert len(run(score_thr=0.0, max_boxes=3).boxes) == 3
    assert len(run(score_thr=0.0, nms_iou=0.01, max_boxes=100).boxes) < len(
        run(score_thr=0.0, nms_iou=0.99, max_boxes=100).boxes
    )
    by_region = run(score_thr=0.0, level='region')
    assert {box.level for box in by_region.boxes} == {'region'}
    again = run(score_thr=0.0)
    assert again.scores.tolist() == pytest.approx(plain.scores.tolist(), abs=1e-6)
    assert {box.level for box in again.boxes} == {None}
    threshold = float(plain.scores[2])
    assert len(run(score_thr=threshold).boxes) == 3


def test_windows(inferencer, tmp_path):
    dicom_files.write_series(tmp_path, 1)

    def view(**options):
        found = inferencer(tmp_path, 'liver', return_vis=True, **options)['predictions']
        return int(found[0].view[0, 0, 0])

    # Its one value is -1000 HU.
    assert view(window='soft_tissue') == 0
    assert view(window=(2000, -1000)) == 128
    assert view(window={'CT': (4000, -1000)}) == 128
    assert view(window=(100, -1050)) == 255


def test_the_header_tells_the_modality(inferencer, tmp_path):
    dicom_files.write_series(tmp_path, 2)
    found = inferencer(tmp_path, 'liver', score_thr=0.0)['predictions']
    assert [one.routed_by for one in found] == ['dicom', 'dicom']
    assert [one.source.slice_index for one in found] == [0, 1]
    assert found[0].spacing_mm == (3.0, 2.0)


def test_bad_files_do_not_stop_the_others(inferencer, make_picture, tmp_path):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'\x89PNG\r\n\x1a\n')
    pet = dicom_files.ct_slice(0, Modality='PT')
    inputs = [
        make_picture('a'),
        broken,
        tmp_path / 'missing.png',
        dicom_files.save(tmp_path / 'us.dcm', dicom_files.ct_slice(0, Modality='US')),
        make_picture('b', 1),
    ]
    found = inferencer(inputs[:3] + inputs[4:], 'liver', batch_size=2, **LOOSE)
    assert [one.source.name.rpartition('/')[2] for one in found['predictions']] == [
        'a.png',
        'b.png',
    ]
    assert [(one.stage, one.source.input_index) for one in found['failures']] == [
        ('read', 1),
        ('find', 2),
    ]
    with pytest.raises(ValueError, match=r'us\.dcm is of modality ultrasound; .* ct, mri'):
        inferencer(inputs[3], 'liver')
    found = inferencer(dicom_files.save(tmp_path / 'pt.dcm', pet), 'liver')
    assert found['predictions'][0].modality == 'unrouted'
    assert found['predictions'][0].boxes == ()


def test_an_image_that_breaks_the_model_does_not_take_its_batch(inferencer, monkeypatch):
    step = inferencer.model.test_step

    def break_on_small(data):
        if any(s.metainfo['img_id'] == 'array 1' for s in data['data_samples']):
            raise RuntimeError('out of memory')
        return step(data)

    monkeypatch.setattr(inferencer.model, 'test_step', break_on_small)
    found = inferencer([grey(40, 60, n) for n in range(3)], 'liver', batch_size=3, **LOOSE)
    assert [one.source.name for one in found['predictions']] == ['array 0', 'array 2']
    assert found['failures'][0].stage == 'predict'
    assert found['failures'][0].reason == 'array 1: out of memory'


@pytest.mark.parametrize(
    ('prompt', 'options', 'message'),
    [
        pytest.param('', {}, 'Empty prompt', id='prompt'),
        pytest.param('liver ' * 400, {}, 'token', id='too-long'),
        pytest.param('liver', dict(score_thr=2), r'score_thr must be in \[0, 1\]', id='score'),
        pytest.param('liver', dict(nms_iou=0), 'nms_iou', id='nms'),
        pytest.param('liver', dict(level='cell'), 'level', id='level'),
        pytest.param('liver', dict(window='bones'), 'windows', id='window'),
        pytest.param('liver', dict(plane='up'), 'plane must be', id='plane'),
        pytest.param('liver', dict(modality='xyz'), "modality 'xyz'", id='modality'),
        pytest.param('liver', dict(batch_size=0), 'batch_size must be at least 1', id='batch'),
        pytest.param('liver', dict(batch_size='3'), "batch_size must .* got '3'", id='batch-text'),
        pytest.param('liver', dict(num_workers=0.5), 'num_workers must .* got 0.5', id='workers'),
        pytest.param('liver', dict(slice_step=1.5), 'slice_step must .* got 1.5', id='half-step'),
        pytest.param('liver', dict(max_boxes=2.5), 'max_boxes must .* got 2.5', id='half-box'),
        pytest.param('liver', dict(score_thr='a'), "score_thr must .* got 'a'", id='score-text'),
        pytest.param('liver', dict(nms_iou=[1]), 'nms_iou must', id='nms-list'),
        pytest.param('liver', dict(window=3), 'window must be a name', id='window-number'),
        pytest.param('liver', dict(window=('a', 3)), 'window must be a name', id='window-text'),
        pytest.param('liver', dict(window={'ct': None}), 'window must be', id='window-dict'),
        pytest.param('liver', dict(modality=3), 'modality must be a name', id='modality-number'),
        pytest.param('liver', dict(hierarchy=3), 'hierarchy must be a dict', id='hierarchy'),
        pytest.param('liver', dict(colour='red'), 'unknown argument', id='option'),
        pytest.param('liver', dict(presence=dict(mode='gate')), 'presence', id='presence'),
    ],
)
def test_what_is_wrong_is_said_before_an_image_is_read(inferencer, prompt, options, message):
    with pytest.raises(ValueError, match=message):
        inferencer.stream('never looked at', prompt, **options)


def test_one_failed_input_is_an_error(inferencer):
    with pytest.raises(ValueError, match=r'no\.png does not exist'):
        inferencer('no.png', 'liver')
    with pytest.raises(ValueError, match='and 1 more inputs failed'):
        inferencer(['no.png', 'none.png'], 'liver')


def test_other_forms(inferencer):
    (sample,) = inferencer(grey(40, 60), 'liver', return_datasamples=True, **LOOSE)['predictions']
    assert isinstance(sample, DetDataSample)
    found = inferencer(grey(40, 60), 'liver', return_vis=True, **LOOSE)
    assert found['visualization'][0].dtype == np.uint8
    assert found['visualization'][0].shape[1] >= 768


def test_a_stream_takes_inputs_as_it_answers(inferencer):
    """What is held is bounded by batches, whatever the number of images."""
    taken = 0

    def items():
        nonlocal taken
        for number in range(40):
            taken += 1
            yield InputItem('array', f'array {number}', content=grey(40, 60))

    stream = inferencer.stream_items(
        items(), read_question('liver'), ReadOptions('ct'), AnswerOptions(), batch_size=2
    )
    assert taken == 0
    for answered in range(1, 9):
        assert isinstance(next(stream), GroundingResult)
        assert taken <= answered + 2 + 2 * 2 + 1  # a batch, two batches ahead
    stream.close()


def test_a_stream_that_is_left_ends_its_threads(inferencer):
    stream = inferencer.stream([grey(40, 60)] * 20, 'liver', batch_size=2, modality='ct')
    assert isinstance(next(stream), GroundingResult)
    stream.close()


def test_heat_maps(inferencer):
    inputs = [grey(40, 60), 'no.png']
    maps, failure = inferencer.heat_maps(inputs, 'liver, spleen', modality='ct')
    assert maps.maps.shape == (2, 5, 8)  # 43 x 64 pixels at stride 8
    assert 0 <= maps.maps.min() <= maps.maps.max() <= 1
    assert maps.draw().shape[2] == 3
    assert isinstance(failure, Failure)


def test_one_modality_needs_no_name(make_model):
    inferencer = MedGLIPInferencer(*make_model('mri'), device='cpu', show_progress=False)
    (result,) = inferencer(grey(40, 60), 'brain')['predictions']
    assert (result.modality, result.routed_by) == ('mri', 'fallback')


def test_several_modalities_need_one(inferencer):
    with pytest.raises(ValueError, match='names no modality'):
        inferencer(grey(40, 60), 'liver')


def test_bad_models_are_one_error(model_files, make_model, tmp_path):
    config, weights = model_files
    with pytest.raises(FileNotFoundError, match='does not exist'):
        MedGLIPInferencer('no.py')
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        MedGLIPInferencer(config, cfg_options=dict(work_dir=str(tmp_path)))
    with pytest.raises(ValueError, match='not complete for this model'):
        MedGLIPInferencer(config, make_model('ct')[1], device='cpu')
    with pytest.raises(ValueError, match='has no LoadMedImage'):
        MedGLIPInferencer(
            config,
            weights,
            device='cpu',
            cfg_options=dict(
                test_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile')]))
            ),
        )
    with pytest.raises(ValueError, match='Name the weights'):
        MedGLIPInferencer(dict(model=dict()))


@pytest.mark.parametrize('shape', [(1, 11600), (11600, 1)])
def test_an_image_that_is_too_thin_does_not_stop_the_others(inferencer, shape):
    found = inferencer([np.zeros(shape, np.uint8), grey(40, 60)], 'liver', **LOOSE)
    assert [one.source.name for one in found['predictions']] == ['array 1']
    (failure,) = found['failures']
    height, width = shape
    assert failure.reason == (
        f"array 0: {width} x {height} px is too thin for the network's 64 px; crop it."
    )
    (shown,) = inferencer.show(
        images_of(InputItem('array', 'thin', content=np.zeros(shape, np.uint8))), ReadOptions('ct')
    )
    assert 'too thin' in shown.reason


def test_what_opencv_refuses_is_a_failure(inferencer, monkeypatch):
    def refuse(image, *_):
        raise cv2.error('no such size')

    monkeypatch.setattr(pipeline, '_check_side', refuse)
    with pytest.raises(ValueError, match='array 0: no such size'):
        inferencer(grey(40, 60), 'liver', **LOOSE)


@pytest.mark.parametrize('device', ['foo', 'cuda:99', 3.5])
def test_a_device_that_is_not_there(model_files, device):
    with pytest.raises(ValueError, match=rf"no device '{device}' here; choose one of cpu"):
        MedGLIPInferencer(*model_files, device=device)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param(
            {'model.bbox_head.classes': 3},
            r"model of .*config\.py cannot be .*'classes'",
            id='head',
        ),
        pytest.param({'model.type': 'Foo'}, r'model of .*config\.py cannot be .*Foo', id='type'),
        pytest.param({'model': 3}, r'model of .*config\.py cannot be built', id='model'),
        pytest.param({'model.type.x': 3}, r'Config .*config\.py cannot be read', id='no-dict'),
        pytest.param(
            {'test_dataloader': None, 'test_pipeline': 3}, 'must be a list of steps', id='steps'
        ),
        pytest.param(
            {'test_dataloader.dataset.pipeline': [{'kind': 3}]}, 'a dict with a type', id='step'
        ),
    ],
)
def test_overrides_that_do_not_fit_are_one_sentence(model_files, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        MedGLIPInferencer(*model_files, device='cpu', cfg_options=options)
    assert '--cfg-options' in str(caught.value)


def test_a_step_that_cannot_be_built_is_named():
    with pytest.raises(ValueError, match=r"Step Resize of the test pipeline .*'colour'"):
        pipeline.InferencePipeline(
            [
                dict(type='LoadMedImage'),
                dict(type='IntensityWindow'),
                dict(type='Resize', colour=3),
            ],
            RouteModality(),
        )


def test_a_damaged_picture_is_told_without_a_store(inferencer, make_picture):
    whole = make_picture('cut')
    whole.write_bytes(whole.read_bytes()[:600])
    with pytest.raises(ValueError, match=r'cut\.png') as caught:
        inferencer(whole, 'liver', **LOOSE)
    assert 'replace it' in str(caught.value)
    assert 'store' not in str(caught.value)
