"""Answers are scored and written as mmengine's evaluator collects them."""

import json

import pytest
from mmengine.evaluator import Evaluator

from mmdet_medglip.downstream.small import AnswerMetric
from mmdet_medglip.downstream.task_text import TaskText


def sample(number: int, *asked: tuple[str, str, str, str]) -> dict:
    """An image with requests: truth, answer, type and words of each."""
    texts = [
        TaskText(f'{number}:{row}', f'image_{number}', f'p{number}', words, truth, kind)
        for row, (truth, _, kind, words) in enumerate(asked)
    ]
    return dict(
        texts=texts,
        answers=[answer for _, answer, _, _ in asked],
        region_words=['liver'],
        regions=dict(bboxes=[[2.0, 4.0, 10.0, 20.0]], scores=[0.5]),
        scale_factor=(2.0, 2.0),
    )


@pytest.fixture
def samples() -> list[dict]:
    return [
        sample(0, ('yes', 'yes', 'closed', 'a?'), ('no', 'yes', 'closed', 'b?')),
        sample(
            1,
            ('no', 'no', 'closed', 'c?'),
            ('left side', 'on the left', 'open', 'd?'),
            ('two', 'two', 'open', 'e?'),
        ),
    ]


def test_every_request_of_an_image_counts(samples, tmp_path):
    metric = AnswerMetric(out_file=str(tmp_path / 'said.jsonl'))
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = {'regions': 'predicted'}
    evaluator.process(samples, {})
    found = evaluator.evaluate(len(samples))
    assert found['vqa/closed_questions'] == 3
    assert found['vqa/open_questions'] == 2
    assert found['vqa/closed_accuracy'] == pytest.approx(2 / 3)
    assert found['vqa/open_recall'] == pytest.approx((1 / 2 + 1) / 2)
    lines = [json.loads(line) for line in (tmp_path / 'said.jsonl').read_text().splitlines()]
    assert [line['question_id'] for line in lines] == ['0:0', '0:1', '1:0', '1:1', '1:2']
    assert {line['condition'] for line in lines} == {'predicted'}
    assert lines[0]['evidence'] == [{'label': 'liver', 'box': [1.0, 2.0, 5.0, 10.0], 'score': 0.5}]
