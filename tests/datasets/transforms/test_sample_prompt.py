import copy
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmdet_medglip.datasets import SamplePrompt, Vocabulary
from mmdet_medglip.ontology import Ontology
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
        pytest.param({'max_tokens': 0}, 'max_tokens must be at least 1', id='max_tokens'),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SamplePrompt(**arguments)


ORGANS = Vocabulary.of(
    Ontology.default(),
    ('liver', 'spleen', 'kidney_left', 'kidney_right', 'kidney_stone', 'gallstone'),
    {
        ('ct', 'organs'): ('liver', 'spleen', 'kidney_left', 'kidney_right'),
        ('ct', 'all'): (
            *('liver', 'spleen', 'kidney_left', 'kidney_right'),
            *('kidney_stone', 'gallstone'),
        ),
    },
)


def _organs(labels: list[str], source: str = 'all') -> dict:
    results = _detection([ORGANS.position[label] for label in labels], source)
    return results | {'vocabulary': ORGANS}


def _true(out: dict) -> list[set[str]]:
    """Ids of the phrases that are true for each box."""
    ids = np.array(out['phrase_labels'])
    if 'gt_bboxes_phrases' not in out:
        return [{ids[label]} for label in out['gt_bboxes_labels']]
    return [set(ids[row]) for row in out['gt_bboxes_phrases']]


def test_groups_get_the_boxes_of_all_their_labels() -> None:
    transform = SamplePrompt(full_label_prob=1.0, group_prob=1.0)
    out = transform(_organs(['kidney_left', 'kidney_stone', 'liver']))
    asked = set(out['phrase_labels'])
    assert asked == {*ORGANS.ids, *ORGANS.groups}
    assert _true(out) == [
        {'kidney_left', 'kidney', 'abdomen'},
        {'kidney_stone', 'kidney_finding', 'abdomen'},
        {'liver', 'hepatobiliary_organ', 'abdomen'},
    ]
    finest = [out['phrase_labels'][i] for i in out['gt_bboxes_labels']]
    assert finest == ['kidney_left', 'kidney_stone', 'liver']
    names = dict(zip(out['phrase_labels'], out['text'], strict=True))
    assert (names['kidney'], names['abdomen']) == ('kidney', 'abdomen')


def test_groups_that_a_source_annotates_in_part_are_not_asked() -> None:
    transform = SamplePrompt(full_label_prob=1.0, group_prob=1.0)
    out = transform(_organs(['liver'], 'organs'))
    groups = set(out['phrase_labels']).intersection(ORGANS.groups)
    assert groups == {'hepatobiliary_organ', 'pancreas_and_spleen', 'kidney'}


def test_groups_are_asked_as_often_as_said() -> None:
    transform = SamplePrompt(group_prob=0.25)
    counts = Counter(
        node
        for _ in range(400)
        for node in transform(_organs(['liver']))['phrase_labels']
        if node in ORGANS.groups
    )
    assert set(counts) == set(ORGANS.groups)
    assert all(60 < count < 140 for count in counts.values()), counts


def test_a_box_whose_label_does_not_fit_stays_for_its_group() -> None:
    transform = SamplePrompt(group_prob=1.0, max_tokens=9)  # two or three phrases
    seen = Counter()
    for _ in range(60):
        out = transform(_organs(['kidney_left', 'kidney_right', 'liver', 'spleen']))
        asked = set(out['phrase_labels'])
        for true in _true(out):
            assert true
            assert true <= asked
        left_out = set(out['prompt_left_out'])
        seen[bool(left_out) and any('kidney' in true for true in _true(out))] += 1
        assert len(out['gt_bboxes']) == len(out['gt_bboxes_labels']) == len(_true(out))
    assert seen[True], 'a label was left out and its box was kept for the class'


def test_without_groups_there_is_no_matrix() -> None:
    assert 'gt_bboxes_phrases' not in SamplePrompt()(_organs(['liver']))


@pytest.mark.parametrize(
    ('wording', 'expected'),
    [
        ('name', 'kidney stone'),
        ('synonym', 'renal stone'),
        ('attributed', 'small bright kidney stone'),
        ('description', 'small bright concretion in the kidney'),
        ('abbreviation', 'kidney stone'),  # it has none
    ],
)
def test_wording_of_a_test_prompt(wording: str, expected: str) -> None:
    out = SamplePrompt(mode='test', wording=wording)(_organs(['kidney_stone']))
    assert out['text'][out['phrase_labels'].index('kidney_stone')] == expected
    assert len(set(out['text'])) == len(out['text'])


def test_two_labels_never_share_a_phrase() -> None:
    twins = Vocabulary.of(
        Ontology.default(),
        ('liver_segment_1', 'liver_segment_2'),
        {('ct', 'all'): ('liver_segment_1', 'liver_segment_2')},
    )
    record = _detection([0, 1], 'all') | {'vocabulary': twins}
    out = SamplePrompt(mode='test', wording='description')(record)
    assert out['text'] == ('part in the liver', twins.names[1])


def test_training_draws_among_wordings() -> None:
    transform = SamplePrompt(wording=dict(name=1, synonym=3), full_label_prob=1.0)
    said = Counter()
    for _ in range(300):
        out = transform(_organs(['liver']))
        said[dict(zip(out['phrase_labels'], out['text'], strict=True))['kidney_stone']] += 1
    names = Ontology.default().synonyms('kidney_stone')
    assert set(said) == {'kidney stone', *names}
    assert 50 < said['kidney stone'] < 105


def test_hard_negatives_come_more_often() -> None:
    counts = {}
    for weight in (1.0, 9.0):
        transform = SamplePrompt(full_label_prob=0.0, num_negatives=1, hard_negative_weight=weight)
        asked = Counter(
            node
            for _ in range(600)
            for node in transform(_organs(['kidney_stone']))['phrase_labels']
        )
        counts[weight] = asked['gallstone']
    # One negative of five; of weight 9 against four of weight 1, nine in thirteen.
    assert 90 < counts[1.0] < 150
    assert 375 < counts[9.0] < 455


MANY = Vocabulary.of(
    Ontology.default(),
    ('liver', 'kidney_left', 'optic_disc', 'heart', 'polyp'),
    {
        ('ct', 'organs'): ('liver', 'kidney_left'),
        ('ct', 'chests'): ('heart',),
        ('fundus', 'eyes'): ('optic_disc',),
        ('endoscopy', 'guts'): ('polyp',),
    },
)


def test_foreign_labels_are_of_other_modalities_and_regions() -> None:
    def foreign(modality: str, source: str) -> set[str]:
        return {MANY.ids[i] for i in MANY.foreign(modality=modality, source=source)}

    # The heart is of CT too, the colon with its polyps lies in the abdomen too.
    assert foreign('ct', 'organs') == {'optic_disc'}
    assert foreign('fundus', 'eyes') == {'liver', 'kidney_left', 'heart', 'polyp'}
    assert foreign('fundus', 'unheard of') == set()


def test_foreign_labels_are_asked_as_absent() -> None:
    record = _detection([2], 'eyes') | dict(vocabulary=MANY, modality='fundus')
    transform = SamplePrompt(num_foreign=2)
    numbers, asked = Counter(), Counter()
    for _ in range(300):
        out = transform(dict(record))
        extra = set(out['phrase_labels']) - {'optic_disc'}
        numbers[len(extra)] += 1
        asked.update(extra)
        assert out['phrase_labels'][out['gt_bboxes_labels'][0]] == 'optic_disc'
    assert set(numbers) == {0, 1, 2}
    assert min(numbers.values()) > 60
    assert set(asked) == {'liver', 'kidney_left', 'heart', 'polyp'}
    assert SamplePrompt()(dict(record))['phrase_labels'] == ('optic_disc',)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_foreign=-1), 'num_foreign must be at least 0'),
        (dict(wording='nickname'), 'wording must be one of'),
        (dict(wording=dict(name=1.0), mode='test'), 'in a test prompt'),
        (dict(wording=dict(nickname=1.0)), 'wording must give weights'),
        (dict(wording=dict(name=0.0)), 'one above 0'),
        (dict(wording=dict(name=float('nan'))), 'weights >= 0'),
        (dict(wording={}), 'wording must give weights'),
        (dict(group_prob=1.5), r'group_prob must be in \[0, 1\]'),
        (dict(hard_negative_weight=0.5), 'hard_negative_weight must be >= 1'),
    ],
)
def test_bad_words(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SamplePrompt(**arguments)
