"""Eight threads ask one inferencer, each with words and options of its own."""

import sys
import threading
import time

import pytest

from mmdet_medglip.apis import AnswerOptions
from mmdet_medglip.apis import inferencer as module
from mmdet_medglip.apis.options import use_options
from tests.apis.conftest import grey

CALLS = [
    dict(prompt='liver', score_thr=0.0, max_boxes=3),
    dict(prompt='spleen, left kidney', score_thr=0.2, max_boxes=20),
    dict(prompt='Detect: liver, no spleen', score_thr=0.4),
    dict(prompt=['left kidney', 'liver', 'spleen'], score_thr=0.1, nms_iou=0.2),
    dict(prompt='pancreas', score_thr=0.0, nms_iou=0.9, max_boxes=7),
    dict(prompt='liver', score_thr=0.0, level='class', max_boxes=5),
    dict(prompt='gallbladder, liver', score_thr=0.0, max_boxes=1),
    dict(prompt='spleen', score_thr=0.3, modality='mri'),
]


def ask(inferencer, call, times=1):
    call = dict(modality='ct', batch_size=2) | call
    images = [grey(40, 60, seed) for seed in range(3)]
    return [
        [one.to_dict() for one in inferencer(images, **call)['predictions']] for _ in range(times)
    ]


@pytest.fixture
def often(monkeypatch):
    """Let threads change places often, and always between setting options and using them."""

    def slow(model, trained, options: AnswerOptions) -> None:
        use_options(model, trained, options)
        time.sleep(0.005)

    monkeypatch.setattr(module, 'use_options', slow)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_threads_get_what_they_get_alone(inferencer, often):
    serial = [ask(inferencer, call)[0] for call in CALLS]
    assert sum(len(one['boxes']) for answers in serial for one in answers) > 50
    found: list = [None] * len(CALLS)

    def run(number):
        try:
            found[number] = ask(inferencer, CALLS[number], times=3)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(CALLS))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for call, expected, answers in zip(CALLS, serial, found, strict=True):
        assert answers == [expected] * 3, call


def test_a_stream_that_is_left_holds_nobody_up(inferencer):
    stream = inferencer.stream([grey(40, 60), grey(40, 60, 1)], 'liver', 1, modality='ct')
    next(stream)
    told = []
    thread = threading.Thread(target=lambda: told.append(ask(inferencer, CALLS[0])))
    thread.start()
    thread.join(timeout=60)
    assert told
