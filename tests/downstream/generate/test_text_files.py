"""Files of questions and reports of a store."""

import json

import numpy as np
import pytest

from mmdet_medglip.downstream.generate import make_text_files
from mmdet_medglip.downstream.task_text import read_task_texts
from mmdet_medglip.downstream.vqa.readers import read_lines
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record

SPLITS = {'p0': 'train', 'p1': 'train', 'p2': 'val', 'p3': 'val', 'p4': 'test', 'p5': 'test'}


@pytest.fixture
def store(tmp_path):
    pixels = np.zeros((20, 30), np.uint8)
    with StoreWriter(tmp_path / 'store', name='demo') as writer:
        for number, (patient, split) in enumerate(SPLITS.items()):
            found = [Instance((1, 1, 9 + number, 9), 'liver')] if number % 2 else []
            writer.add(
                Record(
                    f'{patient}_a', 20, 30, 'ct', 'demo', patient, split=split,
                    instances=tuple(found), spacing_mm=(1.0, 1.0),
                ),
                pixels,
            )  # fmt: skip
    return GroundingStore(tmp_path / 'store')


def test_each_split_has_its_patients(store, tmp_path):
    out = tmp_path / 'out'
    written = make_text_files(store, out)
    for split in ('train', 'val', 'test'):
        patients = {text.patient_id for text in read_task_texts(out / f'vqa_{split}.jsonl', 'vqa')}
        assert patients == {name for name, of in SPLITS.items() if of == split}
    assert written.reports == {'train': 1, 'val': 1, 'test': 1}
    assert written.silent == 3  # no liver, and no finding that could be denied
    reports = read_task_texts(out / 'reports_test.jsonl', 'report')
    assert [text.patient_id for text in reports] == ['p5'] and 'liver' in reports[0].answer


def test_an_image_of_which_nothing_is_said_has_no_report(tmp_path):
    pixels = np.zeros((20, 30), np.uint8)
    with StoreWriter(tmp_path / 'store', name='demo') as writer:
        for patient, split in SPLITS.items():
            record = Record(f'{patient}_a', 20, 30, 'ct', 'demo', patient, split=split)
            writer.add(record, pixels)
    with pytest.raises(ValueError, match='Nothing can be asked'):
        make_text_files(GroundingStore(tmp_path / 'store'), tmp_path / 'out')


def test_the_reader_of_question_sets_takes_the_file(store, tmp_path):
    make_text_files(store, tmp_path / 'out')
    found = read_lines(tmp_path / 'out' / 'vqa_train.jsonl', image_root=store.root)
    assert {record.answer for record in found.records} == {'yes', 'no'}
    assert all(record.image_path.is_file() for record in found.records)


def test_equal_seeds_make_equal_bytes(store, tmp_path):
    for name, seed in (('a', 1), ('b', 1)):
        make_text_files(store, tmp_path / name, seed=seed)
    for file in sorted((tmp_path / 'a').iterdir()):
        assert file.read_bytes() == (tmp_path / 'b' / file.name).read_bytes()


def test_the_summary_counts_what_was_left_out(store, tmp_path):
    written = make_text_files(store, tmp_path / 'out')
    summary = json.loads((tmp_path / 'out' / 'questions.json').read_text())
    assert summary['left_out'] == dict(written.left_out)
    assert summary['questions'] == {
        'test/presence': 2, 'train/presence': 2, 'val/presence': 2,
    }  # fmt: skip
    assert summary['thresholds_mm'] == {'liver': 9.0}


def test_a_negative_seed_is_an_error(store, tmp_path):
    with pytest.raises(ValueError, match='seed must be at least 0'):
        make_text_files(store, tmp_path / 'out', seed=-1)
