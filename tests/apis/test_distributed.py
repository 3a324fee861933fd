import numpy as np
import pytest

from mmdet_medglip.apis import (
    AnswerOptions,
    Failure,
    GroundingResult,
    ModelFiles,
    ReadOptions,
    distributed,
    read_question,
)
from mmdet_medglip.apis.distributed import InferenceJob, run_job
from mmdet_medglip.apis.inputs import InputItem
from mmdet_medglip.ingest.engines import TaskEngine


@pytest.fixture
def job(model_files):
    return InferenceJob(
        ModelFiles(*model_files),
        read_question('liver'),
        ReadOptions('ct'),
        AnswerOptions(0.0),
        device='cpu',
    )


def test_an_engine_gives_what_the_inferencer_gives(job, inferencer, make_picture, monkeypatch):
    monkeypatch.setattr(distributed, '_inferencer', lambda job: inferencer)
    paths = [make_picture(f'p{n}', n) for n in range(3)]
    with TaskEngine('serial') as engine:
        found = list(run_job(job, [*paths, 'no.png'], engine))
    assert isinstance(found[3], Failure)
    expected = inferencer(paths, 'liver', modality='ct', score_thr=0.0)['predictions']
    for one, other in zip(found[:3], expected, strict=True):
        assert one.scores.tolist() == pytest.approx(other.scores.tolist(), abs=1e-5)


def test_an_engine_passes_over_the_output(job, inferencer, make_picture, monkeypatch, tmp_path):
    monkeypatch.setattr(distributed, '_inferencer', lambda job: inferencer)
    make_picture('a', folder=tmp_path / 'in')
    make_picture('b', folder=tmp_path / 'in' / 'found')
    with TaskEngine('serial') as engine:
        (one,) = run_job(job, tmp_path / 'in', engine, [tmp_path / 'in' / 'found'])
    assert one.source.name.endswith('a.png')


def test_pictures_are_drawn_where_images_are_answered(
    job, inferencer, make_picture, monkeypatch, tmp_path
):
    from dataclasses import replace

    monkeypatch.setattr(distributed, '_inferencer', lambda job: inferencer)
    with TaskEngine('serial') as engine:
        (found,) = run_job(replace(job, pictures=str(tmp_path)), make_picture('p'), engine)
    assert found.view is None
    assert len(list((tmp_path / 'pictures').glob('p~*.png'))) == 1


def test_volumes_are_tasks_of_their_own():
    items = [InputItem('image', str(n)) for n in range(33)]
    items.insert(2, InputItem('volume', 'v'))
    parts = list(distributed._parts(items))
    assert [len(part) for part in parts] == [1, 32, 1]
    assert parts[0][0].kind == 'volume'


@pytest.mark.slow
def test_processes(job):
    images = [np.full((40, 60), n, np.uint8) for n in range(3)]
    with TaskEngine('processes', 2) as engine:
        found = list(run_job(job, images, engine))
    assert all(isinstance(one, GroundingResult) for one in found)
