"""Agreement with sentences that a person read; floors a little below what was measured."""

import hashlib
import json

import pytest

from tests.text.report_agreement import ANNOTATION, REPORTS, agreement, load_sentences


@pytest.fixture(scope='module')
def sentences(real_data_root):
    if not (real_data_root / REPORTS).is_file():
        pytest.skip(f'no reports at {real_data_root / REPORTS}')
    return load_sentences(real_data_root)


@pytest.mark.parametrize(
    ('part', 'number', 'f1', 'overlap_f1', 'status', 'side'),
    [
        pytest.param('development', 100, 0.98, 0.99, 0.98, 0.98, id='development'),
        pytest.param('held_out', 50, 0.89, 0.96, 0.95, 0.94, id='held-out'),
        pytest.param('unseen', 50, 0.85, 0.97, 0.95, 0.97, id='unseen'),
    ],
)
def test_agreement_stays(sentences, part, number, f1, overlap_f1, status, side):
    of_part = [(text, marks) for name, text, marks in sentences if name == part]
    found = agreement(of_part)
    assert found.sentences == number
    assert found.f1 >= f1
    assert found.overlap_f1 >= overlap_f1
    assert found.status >= status
    assert found.side >= side


def test_annotation_is_sound_and_holds_no_words():
    entries = json.loads(ANNOTATION.read_text())['sentences']
    assert len(entries) == 200
    assert len({(e['report'], e['field'], e['start']) for e in entries}) == 200
    for entry in entries:
        assert set(entry) == {'report', 'field', 'start', 'end', 'sha256', 'part', 'spans'}
        assert len(entry['sha256']) == hashlib.sha256().digest_size * 2
        for span in entry['spans']:
            assert 0 <= span['start'] < span['end'] <= entry['end'] - entry['start']
            assert span['status'] in ('groundable', 'negated', 'not_groundable')
            assert span['side'] in (None, 'left', 'right', 'bilateral')
