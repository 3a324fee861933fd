import json

import numpy as np
import pytest

from mmdet_medglip.downstream import ImageRegions
from mmdet_medglip.downstream.report.grounding import asked_of, count_verdicts, ground_report
from mmdet_medglip.evaluation import ImageResult, Results


def image(*labels, image_id='a', modality='xray', xs=None, scores=None):
    """Regions 10 wide in an image of 100 x 100; ``xs`` are their left edges."""
    xs = xs or [10] * len(labels)
    boxes = np.array([[x, 10, x + 10, 20] for x in xs], np.float32).reshape(-1, 4)
    values = np.array(scores or [0.5] * len(labels), np.float32)
    return ImageRegions(image_id, 100, 100, modality, labels, boxes, values)


def supports(report):
    return [(m.mention.text, m.support) for s in report.sentences for m in s.mentions]


EFFUSION = {'a': {'pleural effusion': None}}


@pytest.mark.parametrize(
    ('text', 'regions', 'asked', 'support', 'verdict'),
    [
        pytest.param('Effusion.', image('pleural effusion'), None, 'box', 'supported', id='box'),
        pytest.param('Effusion.', image(), None, 'no box', 'unsupported', id='no box'),
        pytest.param('Effusion.', image(), EFFUSION, 'no box', 'unsupported', id='not found'),
        pytest.param('Effusion.', image(), {'a': {}}, 'not asked', 'unsupported', id='not asked'),
        pytest.param('Left effusion.', image('left pleural effusion'), None, 'box', 'supported',
                     id='side of the words'),
        pytest.param('Left effusion.', image('right pleural effusion'), None, 'other side',
                     'contradicted', id='other side'),
        pytest.param('Bilateral effusions.', image('right pleural effusion'), None, 'one side',
                     'partly supported', id='one of two sides'),
        pytest.param('Bilateral effusions.',
                     image('right pleural effusion', 'left pleural effusion'), None, 'box',
                     'supported', id='both sides'),
        pytest.param('No effusion.', image('pleural effusion'), None, 'contradicted',
                     'contradicted', id='negated, with a box'),
        pytest.param('No effusion.', image(), None, 'not known', 'not checked',
                     id='negated, nobody knows'),
        pytest.param('No effusion.', image(), {'a': {}}, 'not asked', 'not checked',
                     id='negated, nobody looked'),
        pytest.param('No effusion.', image('nodule'), EFFUSION, 'absent', 'supported',
                     id='negated and absent'),
        pytest.param('No effusion.', image(), {'a': {'pleural effusion': 0.2}}, 'absent',
                     'supported', id='negated, low presence'),
        pytest.param('No effusion.', image(), {'a': {'pleural effusion': 0.9}}, 'contradicted',
                     'contradicted', id='negated, high presence'),
        pytest.param('No left effusion.', image(), {'a': {'pleural effusion': 0.9}}, 'absent',
                     'supported', id='presence says no side'),
        pytest.param('Possible effusion.', image('effusion'), None, 'box', 'supported',
                     id='supposed'),
    ],
)  # fmt: skip
def test_support_of_one_mention(text, regions, asked, support, verdict):
    report = ground_report('1', text, [regions], asked=asked)
    (sentence,) = report.sentences
    assert [m.support for m in sentence.mentions] == [support]
    assert sentence.verdict == verdict


@pytest.mark.parametrize(
    ('sides', 'x', 'support'),
    [
        pytest.param('image', 10, 'box', id='not known'),
        pytest.param('radiological', 10, 'other side', id='left of the picture is right'),
        pytest.param('radiological', 80, 'box', id='right of the picture is left'),
        pytest.param('neurological', 10, 'box', id='turned round'),
    ],
)
def test_sides_by_place(sides, x, support):
    regions = image('pleural effusion', xs=[x])
    report = ground_report('1', 'Left effusion.', [regions], sides=sides)
    assert supports(report) == [('Left effusion', support)]


def test_a_sentence_of_several_claims_and_boxes_that_none_mentions():
    regions = image('pleural effusion', 'rib', 'cardiomegaly')
    report = ground_report('1', 'Effusion and pneumonia. Cardiomegaly.', [regions])
    assert [s.verdict for s in report.sentences] == ['partly supported', 'supported']
    assert [(b.label, b.number) for b in report.unmentioned] == [('rib', 2)]
    assert count_verdicts([report, report]) == {'partly supported': 2, 'supported': 2}


def test_normal_structures_use_their_box_and_claim_nothing():
    report = ground_report('1', 'The heart is normal.', [image('heart')])
    (sentence,) = report.sentences
    assert sentence.verdict == 'nothing to ground'
    assert [b.label for m in sentence.mentions for b in m.boxes] == ['heart']
    assert report.unmentioned == ()


def test_places_are_shown_beside_the_finding():
    regions = image('pulmonary nodule', 'left upper lobe', 'right upper lobe')
    report = ground_report('1', 'Nodule in the left upper lobe.', [regions])
    (mention,) = report.sentences[0].mentions
    assert [b.label for b in mention.boxes] == ['pulmonary nodule']
    assert [b.label for b in mention.places] == ['left upper lobe']
    assert [b.label for b in report.unmentioned] == ['right upper lobe']


def test_two_images_of_one_report():
    regions = [image('rib', image_id='a'), image('effusion', image_id='b')]
    report = ground_report('1', 'Effusion.', regions)
    assert [b.image_id for b in report.sentences[0].mentions[0].boxes] == ['b']
    assert [b.image_id for b in report.unmentioned] == ['a']


def test_history_is_not_grounded_and_blank_text_has_no_sentence():
    report = ground_report('1', 'INDICATION: Pneumonia.', [image('pneumonia')])
    assert [s.verdict for s in report.sentences] == ['nothing to ground']
    assert len(report.unmentioned) == 1
    assert ground_report('1', ' ', []).sentences == ()


def test_json_holds_text_boxes_and_verdicts():
    report = ground_report('1', 'Lungs.\nLeft effusion.', [image('effusion')])
    found = json.loads(json.dumps(report.as_json()))
    sentence = found['sentences'][-1]
    assert found['text'][slice(*sentence['span'])] == sentence['text'] == 'Left effusion.'
    assert sentence['verdict'] == 'supported'
    (mention,) = sentence['mentions']
    assert mention['side'] == 'left'
    assert mention['boxes'] == [
        dict(image_id='a', number=1, label='effusion', box=[10, 10, 20, 20], score=0.5)
    ]


def test_what_a_result_file_asked():
    def result(image_id, **changes):
        fields = dict(
            modality='xray', height=10, width=10, phrases=('fluid', 'rib'),
            asked=np.array([1, 0]), boxes=np.empty((0, 4), np.float32),
            scores=np.empty(0, np.float32), box_phrases=np.empty(0, np.int64),
            gt_boxes=np.empty((0, 4), np.float32), gt_labels=np.empty(0, np.int64),
            gt_ignore=np.empty(0, bool),
        )  # fmt: skip
        return ImageResult(image_id, **fields | changes)

    results = Results(
        classes=('rib', 'pleural_effusion'), class_names=('rib', 'pleural effusion'),
        images=(
            result('a', presence=np.array([0.25, 0.5])),
            result('b', asked=None),
        ),
    )  # fmt: skip
    assert asked_of(results) == {
        'a': {'pleural effusion': 0.25, 'rib': 0.5},
        'b': {'fluid': None, 'rib': None},
    }


def test_wrong_arguments():
    with pytest.raises(ValueError, match='sides must be one of image'):
        ground_report('1', '', [], sides='left')
    with pytest.raises(ValueError, match='two images of one id'):
        ground_report('1', '', [image(), image()])
