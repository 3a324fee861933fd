"""The program that makes questions."""

import json

import numpy as np
import pytest

from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.structures import Instance, Record


@pytest.fixture
def store(tmp_path):
    with StoreWriter(tmp_path / 'store', name='demo') as writer:
        for number in range(12):
            split = ('train', 'val', 'test')[number // 4]
            found = (Instance((1, 1, 9, 9), 'spleen'),) if number % 2 else ()
            record = Record(f'i{number}', 20, 30, 'ct', 'demo', f'p{number}', split=split,
                            instances=found)  # fmt: skip
            writer.add(record, np.zeros((20, 30), np.uint8))
    return tmp_path / 'store'


def test_files_and_table(load_tool, store, capsys):
    assert load_tool('make_questions.py').main([str(store)]) == 0
    shown = capsys.readouterr().out
    lines = (store / 'questions' / 'vqa_test.jsonl').read_text().splitlines()
    assert len(lines) == 4 and json.loads(lines[0])['answer_type'] == 'closed'
    row = next(line.split() for line in shown.splitlines() if line.split()[:1] == ['presence'])
    assert row[1:5] == ['closed', '4', '4', '4']
    assert 'reports: 2 train, 2 val, 2 test; images with nothing to report: 6' in shown


def test_a_missing_store_is_an_error(load_tool, tmp_path, capsys):
    assert load_tool('make_questions.py').main([str(tmp_path / 'none')]) == 1
    assert 'error:' in capsys.readouterr().err
