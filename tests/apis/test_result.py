import json
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from mmdet_medglip.apis import (
    Failure,
    FoundBox,
    GroundingResult,
    ImageSource,
    PhraseAnswer,
    read_question,
)
from mmdet_medglip.apis.pictures import draw_result
from mmdet_medglip.visualization.legend import WARN


def make_result(*boxes: FoundBox) -> GroundingResult:
    return GroundingResult(
        source=ImageSource('scan.dcm', '/data/scan.dcm', slice_index=3),
        height=40,
        width=60,
        question=read_question('liver, no effusion'),
        boxes=boxes,
        answers=(
            PhraseAnswer('liver', False, True, 0.9, 1, 0.75),
            PhraseAnswer('effusion', True, True, None, 1, 0.5),
        ),
        modality='ct',
        spacing_mm=(0.5, 0.5),
    )


LIVER = FoundBox((1.0, 2.0, 30.0, 20.123), 0.75, 'liver', 0)
EFFUSION = FoundBox((5.0, 6.0, 7.0, 8.0), 0.5, 'effusion', 1)
ABOVE = FoundBox((0.0, 0.0, 9.0, 9.0), 0.4, 'abdomen', None, 'region')


def test_arrays():
    result = make_result(LIVER, EFFUSION)
    assert np.array_equal(result.xyxy, np.float32([LIVER.bbox, EFFUSION.bbox]))
    assert result.scores.tolist() == [0.75, 0.5]
    assert result.names == ('liver', 'effusion')
    assert make_result().xyxy.shape == (0, 4)
    assert make_result().scores.shape == (0,)


def test_a_picture_warns_of_each_denied_phrase_that_is_found():
    found = replace(make_result(LIVER), view=np.full((40, 60, 3), 90, np.uint8))
    alike = replace(found, answers=found.answers[:1])
    marked = [(draw_result(one) == WARN).all(axis=-1).sum() for one in (alike, found)]
    assert marked[0] == 0
    assert marked[1] > 100


def test_a_denied_phrase_that_is_found_contradicts():
    assert [one.phrase for one in make_result(LIVER).contradictions] == ['effusion']


def test_json_holds_everything_but_the_picture():
    content = json.loads(json.dumps(make_result(LIVER, ABOVE).to_dict()))
    assert content['path'] == '/data/scan.dcm'
    assert content['slice_index'] == 3
    assert content['boxes'][0] == {
        'bbox': [1.0, 2.0, 30.0, 20.12], 'score': 0.75, 'name': 'liver', 'phrase': 0,
    }  # fmt: skip
    assert content['boxes'][1]['level'] == 'region'
    assert content['phrases'][1] == {
        'phrase': 'effusion', 'negated': True, 'present': True, 'probability': None, 'boxes': 1,
        'best_score': 0.5,
    }  # fmt: skip
    assert 'view' not in content


def test_data_sample():
    sample = make_result(LIVER, ABOVE).to_data_sample()
    assert sample.pred_instances.labels.tolist() == [0]
    assert sample.pred_instances.label_names == ['liver']
    assert sample.pred_ancestors.label_names == ['abdomen']
    assert sample.metainfo['ori_shape'] == (40, 60)
    assert make_result().to_data_sample().pred_instances.bboxes.shape == (0, 4)


def test_supervision_is_imported_when_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ModuleNotFoundError, match='pip install supervision'):
        make_result().to_supervision()
    made = types.SimpleNamespace(Detections=lambda **fields: fields)
    monkeypatch.setitem(sys.modules, 'supervision', made)
    found = make_result(LIVER, EFFUSION, ABOVE).to_supervision()
    assert found['class_id'].tolist() == [0, 1, 2]
    assert found['data']['class_name'].tolist() == ['liver', 'effusion', 'abdomen']


def test_supervision_itself_takes_it():
    supervision = pytest.importorskip('supervision', reason='supervision is not installed')
    found = make_result(LIVER, ABOVE).to_supervision()
    assert isinstance(found, supervision.Detections)
    assert len(found) == 2
    assert len(make_result().to_supervision()) == 0


def test_failures_as_json():
    failure = Failure(ImageSource('x.png', 'x.png'), 'read', 'x.png is damaged.')
    assert failure.to_dict()['reason'] == 'x.png is damaged.'
