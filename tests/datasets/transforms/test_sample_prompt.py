import copy
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmdet_medglip.datasets import SamplePrompt, Vocabulary
from mmdet_medglip.text import count_tokens, load_tokenizer, prompt_from_phrases

LIVER, SPLEEN, KIDNEY, STONE, POLYP = range(5)
VOCABULARY = Vocabulary(
    ('liver', 'spleen', 'kidney_left', 'kidney_stone', 'polyp'),
    ('liver', 'spleen', 'left kidney', 'kidney stone', 'polyp'),
    {
        ('ct', 'organs'): (LIVER, SPLEEN, KIDNEY),
        ('ct', 'stones'): (STONE,),
        ('endoscopy', 'gut'): (POLYP,),
    },
)
CAPTION = 'A nodule in the left lung and a second nodule.'


def _detection(labels: list[int], source: str = 'organs', modality: str = 'ct') -> dict:
    count = len(labels)
    return {
        'img_id': 'case-7',
        'dataset_mode': 'OD',
        'vocabulary': VOCABULARY,
        'modality': modality,
        'source': source,
        'gt_bboxes': HorizontalBoxes(torch.arange(count * 4.0).reshape(count, 4)),
        'gt_bboxes_labels': np.array(labels, np.int64),
        'gt_ignore_flags': np.zeros(count, bool),
        'gt_masks': BitmapMasks(np.zeros((count, 8, 8), np.uint8), 8, 8),
    }


def _grounding(caption: str = CAPTION, spans: list | None = None) -> dict:
    spans = [[[2, 8]], [[30, 45]]] if spans is None else spans
    return {
        'img_id': 'case-8',
        'dataset_mode': 'VG',
        'vocabulary': VOCABULARY,
        'modality': 'ct',
        'source': 'reports',
        'caption': caption,
        'phrases': [caption[s[0][0] : s[-1][1]] for s in spans],
        'tokens_positive': spans,
        'gt_bboxes': HorizontalBoxes(torch.arange(len(spans) * 4.0).reshape(-1, 4)),
        'gt_bboxes_labels': np.arange(len(spans)),
    }


def _limit(text: str) -> int:
    """Tokens of a text, begin and end tokens included."""
    return count_tokens(load_tokenizer('bundled'), text)


@pytest.fixture(autouse=True)
def _seed() -> None:
    np.random.seed(0)


@pytest.mark.parametrize(
    ('scope', 'source', 'expected'),
    [
        pytest.param('source', 'organs', ['liver', 'spleen', 'kidney_left'], id='source'),
        pytest.param(
            'modality', 'organs', ['liver', 'spleen', 'kidney_left', 'kidney_stone'], id='modality'
        ),
        pytest.param('all', 'organs', list(VOCABULARY.ids), id='all'),
        pytest.param('present', 'organs', ['spleen'], id='present'),
        pytest.param('source', 'unknown', ['spleen'], id='source without labels, image with'),
    ],
)
def test_scopes_in_vocabulary_order(scope: str, source: str, expected: list[str]) -> None:
    out = SamplePrompt(mode='test', scope=scope)(_detection([SPLEEN], source))
    assert list(out['phrase_labels']) == expected
    assert [out['phrase_labels'][i] for i in out['gt_bboxes_labels']] == ['spleen']


@pytest.mark.parametrize('scope', ['source', 'modality', 'present'])
def test_negative_image_is_asked_for_labels_of_its_modality(scope: str) -> None:
    for mode in ('train', 'test'):
        out = SamplePrompt(mode=mode, scope=scope)(_detection([], 'other'))
        assert set(out['phrase_labels']) <= {'liver', 'spleen', 'kidney_left', 'kidney_stone'}
        assert len(out['text']) >= 1
        assert len(out['gt_bboxes_labels']) == len(out['gt_bboxes']) == 0


def test_labels_are_reindexed_to_the_prompt() -> None:
    transform = SamplePrompt(full_label_prob=1.0)
    orders = set()
    for _ in range(20):
        out = transform(_detection([KIDNEY, LIVER, KIDNEY]))
        named = [out['phrase_labels'][i] for i in out['gt_bboxes_labels']]
        assert named == ['kidney_left', 'liver', 'kidney_left']
        assert sorted(out['text']) == ['left kidney', 'liver', 'spleen']
        assert out['prompt_left_out'] == []
        orders.add(out['text'])
    assert len(orders) > 1


@pytest.mark.parametrize(
    ('arguments', 'extra'),
    [
        pytest.param({'full_label_prob': 1.0}, {2}, id='all labels of the scope'),
        pytest.param({'full_label_prob': 0.0}, {1, 2}, id='one to all'),
        pytest.param({'full_label_prob': 0.0, 'num_negatives': 1}, {1}, id='at most one'),
        pytest.param({'num_negatives': 0}, {0}, id='none'),
        pytest.param({'negative_prob': 0.0}, {0}, id='never'),
        pytest.param({'negative_prob': 0.5, 'full_label_prob': 1.0}, {0, 2}, id='half the time'),
    ],
)
def test_number_of_negatives(arguments: dict, extra: set[int]) -> None:
    transform = SamplePrompt(**arguments)
    seen = {len(transform(_detection([LIVER]))['text']) - 1 for _ in range(40)}
    assert seen == extra


def test_a_source_is_never_asked_for_what_it_does_not_annotate() -> None:
    transform = SamplePrompt(full_label_prob=1.0)
    for _ in range(10):
        assert transform(_detection([STONE], 'stones'))['text'] == ('kidney stone',)


def test_budget_is_exact_and_positives_come_first() -> None:
    limit = _limit('liver. spleen.')
    transform = SamplePrompt(max_tokens=limit, scope='all', full_label_prob=1.0)
    for _ in range(20):
        out = transform(_detection([LIVER, SPLEEN]))
        assert sorted(out['text']) == ['liver', 'spleen']
        out = transform(_detection([SPLEEN]))
        assert 'spleen' in out['text']
        assert _limit(prompt_from_phrases(out['text']).caption) <= limit


def test_positives_beyond_the_budget_are_counted_and_drawn_fairly() -> None:
    transform = SamplePrompt(max_tokens=_limit('spleen.'))
    kept = Counter()
    for _ in range(60):
        out = transform(_detection([LIVER, SPLEEN, LIVER]))
        assert len(out['text']) == 1
        assert sorted([*out['phrase_labels'], *out['prompt_left_out']]) == ['liver', 'spleen']
        count = 2 if out['text'] == ('liver',) else 1
        for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_masks', 'gt_ignore_flags'):
            assert len(out[key]) == count
        assert set(out['gt_bboxes_labels'].tolist()) == {0}
        kept[out['text']] += 1
    assert min(kept.values()) > 15


@pytest.mark.parametrize('mode', ['train', 'test'])
def test_phrase_longer_than_the_limit_is_an_error(mode: str) -> None:
    transform = SamplePrompt(max_tokens=4, mode=mode)
    with pytest.raises(ValueError, match=r"Phrase 'polyp' has 3 tokens and max_tokens=4 leaves 2"):
        transform(_detection([POLYP], 'gut', 'endoscopy'))


def test_empty_prompt_is_an_error() -> None:
    with pytest.raises(ValueError, match="Empty prompt: record 'case-7' has no region"):
        SamplePrompt()(_detection([], 'x', modality='mri'))
    with pytest.raises(ValueError, match="Empty prompt: record 'case-8' has a caption"):
        SamplePrompt()(_grounding(spans=[]))


def test_test_pipeline_without_boxes_takes_positives_of_the_instances() -> None:
    results = _detection([])
    for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_masks'):
        del results[key]
    results['instances'] = [{'bbox': [0, 0, 1, 1], 'bbox_label': SPLEEN, 'ignore_flag': 0}]
    out = SamplePrompt(mode='test', scope='present')(results)
    assert out['text'] == ('spleen',)
    assert 'gt_bboxes_labels' not in out


def test_training_needs_loaded_boxes() -> None:
    results = _detection([LIVER])
    del results['gt_bboxes_labels']
    with pytest.raises(ValueError, match='put SamplePrompt after LoadAnnotations'):
        SamplePrompt()(results)


@pytest.mark.parametrize('mode', ['train', 'test'])
def test_caption_and_spans(mode: str) -> None:
    out = SamplePrompt(mode=mode)(_grounding())
    assert out['text'] == CAPTION
    assert out['tokens_positive'] == {0: [[2, 8]], 1: [[30, 45]]}
    assert out['phrases'] == ['nodule', 'a second nodule']
    assert out['gt_bboxes_labels'].tolist() == [0, 1]
    assert out.get('phrase_labels') is None


def test_long_training_caption_becomes_its_phrases() -> None:
    out = SamplePrompt(max_tokens=_limit('nodule. a second nodule.'))(_grounding())
    caption = out['text']
    assert sorted(caption.split('. ')) == ['a second nodule', 'nodule']
    named = {caption[spans[0][0] : spans[0][1]] for spans in out['tokens_positive'].values()}
    assert named == {'nodule', 'a second nodule'}
    boxes = out['gt_bboxes'].tensor[:, 0].tolist()
    by_phrase = dict(zip(boxes, out['gt_bboxes_labels'].tolist(), strict=True))
    assert out['phrases'][by_phrase[0.0]] == 'nodule'
    assert out['phrases'][by_phrase[4.0]] == 'a second nodule'


def test_long_training_caption_counts_what_does_not_fit() -> None:
    out = SamplePrompt(max_tokens=_limit('a second nodule.'))(_grounding())
    assert len(out['phrases']) == len(out['gt_bboxes']) == len(out['prompt_left_out']) == 1
    assert out['gt_bboxes_labels'].tolist() == [0]


def test_long_test_caption_is_not_changed() -> None:
    assert SamplePrompt(mode='test', max_tokens=6)(_grounding())['text'] == CAPTION


def test_prompt_follows_the_numpy_seed() -> None:
    texts = []
    for _ in range(2):
        np.random.seed(3)
        texts.append([SamplePrompt()(_detection([LIVER]))['text'] for _ in range(5)])
    assert texts[0] == texts[1]


def test_picklable_and_vocabulary_shared_by_copies() -> None:
    assert pickle.loads(pickle.dumps(SamplePrompt())).mode == 'train'
    assert copy.deepcopy({'vocabulary': VOCABULARY})['vocabulary'] is VOCABULARY


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'mode': 'val'}, "mode must be 'train' or 'test'", id='mode'),
        pytest.param({'scope': 'image'}, 'scope must be one of', id='scope'),
        pytest.param({'negative_prob': 1.5}, 'negative_prob', id='probability'),
        pytest.param({'max_tokens': 0}, 'max_tokens >= 1', id='max_tokens'),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SamplePrompt(**arguments)
