import csv
import io
import json
import stat
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.apis import MedGLIPInferencer
from mmdet_medglip.browser import DemoModel, DemoService, RefusalError
from tests.browser.conftest import asked, nifti, png, put
from tests.ingest import dicom_files as files


@pytest.fixture
def token(service) -> str:
    return service.begin()['session']


def test_a_page_is_told_what_there_is(service):
    told = service.begin()
    assert [one['name'] for one in told['samples']] == ['ct', 'mri']
    assert told['models'] == [{'name': 'first', 'levels': True, 'heat_maps': True}]
    assert told['modalities'] == ['ct', 'mri']
    assert told['score_thr'] == service.models['first'].inferencer.score_thr
    assert told['windows']['lung'] == [1500.0, -160.0]
    assert '.nii.gz' in told['accepted']
    assert told['session'] != service.begin()['session']


@pytest.mark.parametrize('name', ['ct', 'mri'])
def test_a_demo_volume_begins_with_a_slice_that_shows_what_its_prompt_asks_for(
    service, token, name
):
    (sample,) = [one for one in service.begin()['samples'] if one['name'] == name]
    found = service.open(token, {'study': name})
    assert found['volume']
    assert found['slices'] == {'ct': 6, 'mri': 4}[name]
    assert 0 <= sample['start'] < found['slices']
    _, told = service.view(token, {'study': name, 'slice': sample['start']})
    assert told['modality'] == name
    assert told['name'] == f'{name} phantom.nii.gz#{sample["start"]}'


def test_a_picture_is_uploaded_looked_at_and_asked_about(service, token):
    put(service, token, ('chest Müller.png', png()))
    assert service.open(token, asked()) == {'slices': 1, 'volume': False, 'notes': []}
    picture, told = service.view(token, asked())
    assert (told['height'], told['width']) == (40, 60)
    assert np.asarray(Image.open(io.BytesIO(picture))).shape == (40, 60, 3)
    (answer,) = service.predict(token, asked(prompt='Detect: liver, spleen', score_thr=0.0))[
        'answers'
    ]
    result = answer['result']
    assert result['name'] == 'chest Müller.png'
    assert result['path'] is None
    assert [one['phrase'] for one in result['phrases']] == ['liver', 'spleen']
    assert result['boxes']
    assert [one['name'] for one in answer['names']] == ['liver', 'spleen']
    assert answer['negated'] == []
    assert str(service.sessions.folder) not in json.dumps(answer)


def test_answers_are_those_of_the_inferencer(service, token, inferencer, tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(png())
    options = dict(modality='ct', score_thr=0.1, window=(100.0, 50.0), level='class')
    (direct,) = inferencer(path, 'liver, no spleen', num_workers=0, **options)['predictions']
    put(service, token, ('a.png', png()))
    told = asked(prompt='liver, no spleen', score_thr=0.1, window=[100, 50], level='class')
    (answer,) = service.predict(token, told)['answers']
    expected = direct.to_dict() | {'name': 'a.png', 'path': None}
    assert answer['result'] == expected
    assert len(expected['boxes']) > 0


def test_a_threshold_above_all_scores_leaves_evidence_for_what_is_said_to_be_absent(
    service, token, inferencer, tmp_path
):
    put(service, token, ('a.png', png()))
    (answer,) = service.predict(token, asked(prompt='no liver, spleen', score_thr=0.99))['answers']
    assert answer['result']['boxes'] == []
    (evidence,) = answer['negated']
    assert evidence['phrase'] == 'liver'
    assert (evidence['found'], evidence['boxes']) == (False, 0)
    path = tmp_path / 'a.png'
    path.write_bytes(png())
    (low,) = inferencer(path, ['liver', 'spleen'], modality='ct', score_thr=0.02, num_workers=0)[
        'predictions'
    ]
    assert evidence['best_score'] == pytest.approx(low.answers[0].best_score, abs=1e-4)
    (found,) = service.predict(token, asked(prompt='no liver, spleen', score_thr=0.02))['answers']
    (against,) = found['negated']
    assert against['found']
    assert against['best_score'] == evidence['best_score']


def test_a_volume_has_slices_planes_and_a_window(service, token):
    put(service, token, ('v.nii', nifti()))
    assert service.open(token, asked()) == {'slices': 4, 'volume': True, 'notes': []}
    _, axial = service.view(token, asked(slice=3, window=[200, 100]))
    assert (axial['height'], axial['width']) == (30, 20)
    assert axial['spacing_mm'] == [1.0, 2.0]
    assert axial['intensity_range'] == [0.0, 200.0]
    assert axial['name'] == 'v.nii#3'
    assert service.open(token, asked(plane='sagittal'))['slices'] == 20
    _, sagittal = service.view(token, asked(plane='sagittal', slice=19))
    assert (sagittal['height'], sagittal['width']) == (4, 30)
    with pytest.raises(RefusalError, match='slice must be from 0 to 3, got 4'):
        service.view(token, asked(slice=4))


def test_models_answer_side_by_side_and_one_that_cannot_says_why(make_service, shared_model):
    service = make_service(shared_model)
    token = service.begin()['session']
    put(service, token, ('a.png', png()))
    told = asked(prompt='liver', score_thr=0.0)
    first, other = service.predict(token, told)['answers']
    assert (first['model'], other['model']) == ('first', 'other 0')
    assert first['result']['boxes'] != other['result']['boxes']
    good, bad = service.predict(token, told | {'modality': 'mri'})['answers']
    assert good['result']['modality'] == 'mri'
    assert bad['failure'] == 'a.png is of modality mri; this model serves ct.'
    assert service.download(token, 'first', 'json').content
    with pytest.raises(RefusalError, match='no answer to download'):
        service.download(token, 'other 0', 'json')


def test_results_are_downloaded(service, token):
    put(service, token, ('a.png', png()))
    with pytest.raises(RefusalError, match='no answer to download'):
        service.download(token, 'first', 'png')
    (answer,) = service.predict(token, asked(prompt='liver, no cyst', score_thr=0.1))['answers']
    whole = service.download(token, 'first', 'json')
    assert whole.name == 'medglip_predictions.json'
    assert json.loads(whole.content)['results'] == [answer['result']]
    rows = list(
        csv.DictReader(io.StringIO(service.download(token, 'first', 'boxes').content.decode()))
    )
    assert [float(row['score']) for row in rows] == [
        one['score'] for one in answer['result']['boxes']
    ]
    assert {(row['name'], row['path']) for row in rows} == {('a.png', '')}
    rows = list(
        csv.DictReader(io.StringIO(service.download(token, 'first', 'phrases').content.decode()))
    )
    assert [(row['phrase'], row['negated']) for row in rows] == [('liver', '0'), ('cyst', '1')]
    picture = Image.open(io.BytesIO(service.download(token, 'first', 'png').content))
    assert picture.width >= 768
    with pytest.raises(RefusalError, match=r'one of json, boxes, phrases, png'):
        service.download(token, 'first', '../../etc/passwd')
    left = [path for path in service.sessions.get(token).folder.rglob('*') if path.is_file()]
    assert len(left) == 1  # the upload


def test_a_picture_without_modality_asks_for_it(service, token):
    put(service, token, ('a.png', png()))
    message = r'^a\.png does not tell its modality; choose it in the list\.$'
    with pytest.raises(RefusalError, match=message):
        service.view(token, {'study': 'upload'})


def test_heat_maps(service, token):
    put(service, token, ('a.png', png()))
    picture = service.heat_maps(token, asked(prompt='liver, spleen'), 'first')
    assert Image.open(io.BytesIO(picture)).format == 'PNG'


def test_sessions_do_not_see_each_other(service, token):
    put(service, token, ('a.png', png()))
    service.predict(token, asked(prompt='liver'))
    other = service.begin()['session']
    with pytest.raises(RefusalError, match='no study') as refused:
        service.view(other, asked())
    assert refused.value.status == 404
    with pytest.raises(RefusalError, match='no answer'):
        service.download(other, 'first', 'json')
    assert stat.S_IMODE(service.sessions.get(token).folder.stat().st_mode) == 0o700


def test_files_go_with_the_session(service, token):
    put(service, token, ('a.png', png()))
    folder = service.sessions.get(token).folder
    assert list(folder.rglob('*.png'))
    service.sessions.end(token)
    assert not folder.exists()
    for call in (
        lambda: service.view(token, asked()),
        lambda: service.begin_upload(token),
        lambda: service.receive(token, 'a.png'),
        lambda: service.download(token, 'first', 'json'),
        lambda: service.view(None, asked()),
    ):
        with pytest.raises(RefusalError, match='session is over') as refused:
            call()
        assert refused.value.status == 410


def test_closing_the_demo_leaves_nothing(make_service, tmp_path):
    service = make_service()
    put(service, service.begin()['session'], ('a.png', png()))
    assert list(tmp_path.iterdir())
    service.close()
    assert list(tmp_path.iterdir()) == []


def test_a_second_upload_takes_the_place_of_the_first(service, token):
    put(service, token, ('a.png', png(40, 60)))
    assert service.view(token, asked())[1]['width'] == 60
    service.predict(token, asked(prompt='liver'))
    put(service, token, ('b.png', png(40, 50)))
    assert service.view(token, asked())[1]['width'] == 50
    assert len(list(service.sessions.get(token).folder.rglob('*.png'))) == 1
    with pytest.raises(RefusalError, match='no answer'):
        service.download(token, 'first', 'json')


def test_a_broken_file_is_told_by_the_name_that_its_owner_knows(service, token):
    put(service, token, ('broken.png', png()[:600]))
    with pytest.raises(RefusalError, match=r'broken\.png') as refused:
        service.view(token, asked())
    assert refused.value.status == 422
    assert str(service.sessions.folder) not in str(refused.value)
    put(service, token, ('broken.nii', nifti()[:400]))
    with pytest.raises(RefusalError, match=r'broken\.nii') as refused:
        service.open(token, asked())
    assert str(service.sessions.folder) not in str(refused.value)


WRONG = [
    pytest.param([], 'must be a JSON object', id='a list'),
    pytest.param({'study': 7}, 'study must be a text, got 7', id='study is a number'),
    pytest.param({'study': '../x'}, "no study '../x'", id='a path for a study'),
    pytest.param(
        asked(prompt='x', slice=True), 'slice must be a whole number', id='slice is a truth value'
    ),
    pytest.param(asked(prompt='x', slice=-1), 'slice must be from 0', id='slice before the first'),
    pytest.param(asked(prompt='x', plane='up'), 'plane must be one of', id='another plane'),
    pytest.param(
        {'study': 'upload', 'prompt': 'x', 'modality': 'pet'}, 'pet', id='another modality'
    ),
    pytest.param(asked(prompt='x', window=[0, 40]), 'width above 0', id='a window without width'),
    pytest.param(
        asked(prompt='x', window=[1e400, 40]), 'window must be a number', id='an endless window'
    ),
    pytest.param(
        asked(prompt='x', window=[10**400, 40]), 'window must be a number', id='a huge window'
    ),
    pytest.param(
        asked(prompt='x', score_thr=10**400), 'score_thr must be a number', id='a huge threshold'
    ),
    pytest.param(asked(prompt='x', window='moon'), 'moon', id='a window that is none'),
    pytest.param(asked(prompt=''), 'phrase', id='no words'),
    pytest.param(asked(prompt='a' * 4001), 'at most 4000', id='too many words'),
    pytest.param(asked(prompt='x', score_thr=2), 'score_thr must be in', id='threshold above 1'),
    pytest.param(asked(prompt='x', score_thr='1'), 'must be a number', id='threshold is a text'),
    pytest.param(asked(prompt='x', level='cell'), 'level must be label', id='another level'),
    pytest.param(asked(prompt='x', path='/etc'), "unknown key 'path'", id='an unknown key'),
    pytest.param(asked(prompt='Fine.', report=True), 'Nothing to look for', id='empty report'),
]


@pytest.mark.parametrize(('told', 'message'), WRONG)
def test_a_wrong_question_is_one_sentence(service, token, told, message):
    put(service, token, ('a.png', png()))
    with pytest.raises(RefusalError, match=message):
        service.predict(token, told)


def test_a_model_that_is_none(service, token):
    with pytest.raises(RefusalError, match="no model 'x'"):
        service.download(token, 'x', 'json')


def test_models_need_names(inferencer):
    with pytest.raises(ValueError, match='at least one model'):
        DemoService([])
    with pytest.raises(ValueError, match='a name of its own'):
        DemoService([DemoModel('a', inferencer), DemoModel('a', inferencer)])


def test_too_many_questions_at_once_are_refused(make_service, monkeypatch):
    service = make_service(waiting=1)
    token, other = service.begin()['session'], service.begin()['session']
    for one in (token, other):
        put(service, one, ('a.png', png()))
    inside, go_on = threading.Event(), threading.Event()
    show = MedGLIPInferencer.show

    def slow(self, images, read):
        inside.set()
        assert go_on.wait(20)
        yield from show(self, images, read)

    monkeypatch.setattr(MedGLIPInferencer, 'show', slow)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(service.view(token, asked())))
    thread.start()
    assert inside.wait(20)
    with pytest.raises(RefusalError, match='busy') as refused:
        service.view(other, asked())
    assert refused.value.status == 503
    go_on.set()
    thread.join()
    assert len(seen) == 1
    assert service.view(other, asked())


def test_pixels_of_few_studies_stay_in_memory(make_service):
    service = make_service(open_studies=1)
    tokens = [service.begin()['session'] for _ in range(2)]
    for one in tokens:
        put(service, one, ('v.nii', nifti()))
        assert service.open(one, asked())['slices'] == 4
    assert len(service._studies) == 1
    assert service.view(tokens[0], asked(slice=2))[1]['name'] == 'v.nii#2'
    service.sessions.end(tokens[0])
    assert len(service._studies) == 0


def test_a_real_series_is_one_study(service, token, real_data_root):
    folder = next(
        (
            p.parent
            for p in sorted(Path(real_data_root).rglob('*.dcm'))
            if len(list(p.parent.glob('*.dcm'))) > 2
        ),
        None,
    )
    if folder is None:
        pytest.skip(f'no folder of several DICOM files below {real_data_root}')
    files = sorted(folder.glob('*.dcm'))[:12]
    put(service, token, *((path.name, path.read_bytes()) for path in files))
    found = service.open(token, {'study': 'upload'})
    assert found['slices'] + len(found['notes']) >= len(files)
    _, told = service.view(token, {'study': 'upload', 'slice': 0})
    assert told['name'] in {path.name for path in files}


def test_an_answer_about_dicom_is_a_report_that_refers_to_the_image(service, token, real_data_root):
    pytest.importorskip('highdicom')
    from mmdet_medglip.dicom_out import read_report

    path = sorted((real_data_root / 'dicom').rglob('IMG*.dcm'))[0]
    put(service, token, ('Müller^Hans.dcm', path.read_bytes()))
    told = asked(prompt='liver', score_thr=0.0)
    (answer,) = service.predict(token, told)['answers']
    assert answer['dicom']
    report = service.download(token, 'first', 'sr')
    assert (report.name, report.media_type) == ('medglip_report.dcm', 'application/dicom')
    kept = service.sessions.folder / 'report.dcm'
    kept.write_bytes(report.content)
    found = read_report(kept)
    reported = [region.box for one in found for region in one.regions]
    shown = [box['bbox'] for box in answer['result']['boxes']]
    np.testing.assert_allclose(reported, shown, atol=1e-2)
    assert {one.label for one in found} == {'liver'}
    assert b'ller^Hans' not in report.content


@pytest.fixture
def ct_series(tmp_path) -> list[tuple[str, bytes]]:
    """Names and contents of three slices."""
    pixels = np.arange(256, dtype=np.int16).reshape(16, 16)
    paths = [files.save(tmp_path / f'{k}.dcm', files.ct_slice(k, pixels)) for k in range(3)]
    return [(f'Doe John {path.name}', path.read_bytes()) for path in paths]


@pytest.mark.parametrize(
    ('model', 'written'),
    [
        pytest.param(('medglip/ct',), 'ct', id='named by its config'),
        pytest.param(('a/b', 'mine', 'epoch_1'), 'mine', id='with a name for files'),
        pytest.param(('n' * 80,), 'n' * 64, id='a long name'),
        pytest.param((' / ',), 'medglip', id='no name that can be written'),
    ],
)
def test_a_report_calls_the_model_by_a_name_and_no_path(
    inferencer, ct_series, tmp_path, model, written
):
    pytest.importorskip('highdicom')
    from pydicom import dcmread

    name, *more = model
    service = DemoService([DemoModel(name, inferencer, *more)], parent=tmp_path)
    token = service.begin()['session']
    put(service, token, *ct_series)
    service.predict(token, asked(prompt='liver', score_thr=0.0))
    for kind in ('sr', 'gsps'):
        found = dcmread(io.BytesIO(service.download(token, name, kind).content))
        assert found.ManufacturerModelName == written
    service.close()


def test_a_refused_report_tells_no_place_of_the_server(service, token, ct_series):
    pytest.importorskip('highdicom')
    put(service, token, *ct_series)
    service.predict(token, asked(prompt='Doe shadow', score_thr=0.0))
    with pytest.raises(RefusalError, match=r'^Doe John 0\.dcm.*no name of the ontology') as refused:
        service.download(token, 'first', 'sr')
    assert str(service.sessions.folder) not in str(refused.value)


def test_a_picture_is_no_dicom_report(service, token):
    pytest.importorskip('highdicom')
    put(service, token, ('a.png', png()))
    (answer,) = service.predict(token, asked(prompt='liver', score_thr=0.0))['answers']
    assert not answer['dicom']
    with pytest.raises(RefusalError, match=r'^a.png: it is no DICOM file'):
        service.download(token, 'first', 'sr')
