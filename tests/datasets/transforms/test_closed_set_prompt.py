import numpy as np
import pytest

from mmdet_medglip.datasets import Vocabulary
from mmdet_medglip.datasets.transforms import ClosedSetPrompt

LIVER, SPLEEN, STONE, POLYP = range(4)
VOCABULARY = Vocabulary(
    ('liver', 'spleen', 'kidney_stone', 'polyp'),
    ('liver', 'spleen', 'kidney stone', 'polyp'),
    {
        ('ct', 'organs'): (LIVER, SPLEEN),
        ('ct', 'stones'): (STONE,),
        ('endoscopy', 'gut'): (POLYP,),
    },
)


def record(labels, **changes):
    return {
        'img_id': 'case-7',
        'dataset_mode': 'OD',
        'vocabulary': VOCABULARY,
        'modality': 'ct',
        'source': 'stones',
        'gt_bboxes_labels': np.array(labels, np.int64),
    } | changes


def test_labels_stay_those_of_the_data_set():
    results = ClosedSetPrompt()(record([STONE, STONE]))
    assert results['gt_bboxes_labels'].tolist() == [STONE, STONE]
    assert results['text'] == ('kidney stone',)
    assert results['phrase_labels'] == ('kidney_stone',)
    assert results['closed_set'] == {'asked': (STONE,), 'num_labels': 4}


@pytest.mark.parametrize(
    ('scope', 'asked'),
    [
        pytest.param('source', (LIVER, SPLEEN), id='what-the-source-annotates'),
        pytest.param('modality', (LIVER, SPLEEN, STONE), id='what-any-source-annotates'),
        pytest.param('all', (LIVER, SPLEEN, STONE, POLYP), id='every-label'),
    ],
)
def test_an_image_is_judged_by_the_scope(scope, asked):
    results = ClosedSetPrompt(scope=scope)(record([LIVER], source='organs'))
    assert results['closed_set']['asked'] == asked


def test_a_negative_image_is_judged_too():
    instances = {'instances': [], 'gt_bboxes_labels': np.empty(0, np.int64)}
    assert ClosedSetPrompt()(record([], **instances))['closed_set']['asked'] == (STONE,)


def test_words_to_ground_are_an_error_that_names_the_remedy():
    with pytest.raises(ValueError, match=r"case-7.*prefer='labels'"):
        ClosedSetPrompt()(record([0], dataset_mode='VG'))


def test_an_unknown_scope_is_an_error():
    with pytest.raises(ValueError, match='scope'):
        ClosedSetPrompt(scope='nothing')
