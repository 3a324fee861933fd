import json

import pytest

from mmdet_medglip.downstream.report import ReportRecord
from mmdet_medglip.downstream.report.finding_counts import FindingCounts
from mmdet_medglip.downstream.report.scoring import score_reports


def reference(report_id, findings):
    return ReportRecord(report_id, ('a',), (None,), findings, 'Normal.', 'p')


REFERENCES = [reference('1', 'Effusion.'), reference('2', 'Cardiomegaly.'), reference('3', 'X.')]
GENERATED = {'1': 'Pleural effusion.', '2': ' ', '4': 'Scoliosis.'}


def test_pairs_by_id_and_what_is_left_out():
    scores = score_reports(REFERENCES, GENERATED, modality='xray', overlaps=[], radeval=['bleu'])
    assert scores.compared == ('1', '2')
    assert (scores.missing, scores.extra, scores.empty) == (('3',), ('4',), ('2',))
    assert scores.total().positive == FindingCounts(hits=1, extra=0, missed=1)
    found = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert found['figures']['findings/positive_recall'] == 0.5
    assert found['figures']['findings/negated_F1'] is None
    assert found['by_finding']['cardiomegaly'] == dict(hits=0, extra=0, missed=1)
    assert 'radeval/bleu' in found['unavailable']
    assert found['missing'] == ['3']


def test_sections_decide_what_is_compared():
    scores = score_reports(REFERENCES[:1], {'1': 'Normal.'}, sections='impression', overlaps=[])
    assert scores.total().positive == FindingCounts()


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ValueError, match=r"None of the 3 references.*such as '1'.*such as '9'"):
        score_reports(REFERENCES, {'9': ''}, overlaps=[])
    with pytest.raises(ValueError, match="1 references have no text in 'findings', such as '5'"):
        score_reports([reference('5', '')], {'5': ''}, overlaps=[])
