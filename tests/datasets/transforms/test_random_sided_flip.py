"""Mirrored images: a box with a side in its name is on that side of the mirrored patient."""

import copy

import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import RandomFlip
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmdet_medglip.datasets import RandomSidedFlip, SamplePrompt, Vocabulary
from mmdet_medglip.datasets.transforms.random_sided_flip import other_side
from mmdet_medglip.ontology import Ontology

WIDTH, HEIGHT = 32, 24
LIVER, LEFT, RIGHT, GLAND = range(4)
IDS = ('liver', 'kidney_left', 'kidney_right', 'adrenal_gland_left')
VOCABULARY = Vocabulary(
    IDS,
    ('liver', 'left kidney', 'right kidney', 'left adrenal gland'),
    {('ct', 'organs'): (LIVER, LEFT, RIGHT), ('ct', 'one-sided'): (LIVER, LEFT, RIGHT, GLAND)},
)
BOXES = {LIVER: (2, 2, 12, 12), LEFT: (22, 4, 30, 12), RIGHT: (3, 13, 9, 20), GLAND: (20, 1, 24, 4)}


def record(*labels, source='organs', **fields):
    """A record whose every box is filled with its label's number, plus one, in image and mask."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    masks = np.zeros((len(labels), HEIGHT, WIDTH), np.uint8)
    for mask, label in zip(masks, labels, strict=True):
        x1, y1, x2, y2 = BOXES[label]
        image[y1:y2, x1:x2] = label + 1
        mask[y1:y2, x1:x2] = 1
    boxes = torch.tensor([BOXES[label] for label in labels], dtype=torch.float32).reshape(-1, 4)
    return {
        'img_id': 'case-7',
        'dataset_mode': 'OD',
        'vocabulary': VOCABULARY,
        'modality': 'ct',
        'source': source,
        'img': image,
        'img_shape': (HEIGHT, WIDTH),
        'gt_bboxes': HorizontalBoxes(boxes),
        'gt_bboxes_labels': np.array(labels, np.int64),
        'gt_ignore_flags': np.zeros(len(labels), bool),
        'gt_masks': BitmapMasks(masks, HEIGHT, WIDTH),
        **fields,
    }


def side_of_box(box):
    """Which side of the patient the middle of a box is on; the left is on the right of images."""
    return 'left' if (float(box[0]) + float(box[2])) / 2 > WIDTH / 2 else 'right'


@pytest.mark.parametrize('seed', range(30))
def test_a_sided_box_is_on_its_side(seed):
    """Through flips and prompts at random: name, box, pixels and mask stay together."""
    np.random.seed(seed)
    labels = [label for label in (LIVER, LEFT, RIGHT) if np.random.random() < 0.7]
    before = record(*labels)
    flip = RandomSidedFlip(prob=0.5)
    results = flip(copy.deepcopy(before))
    values = before['gt_bboxes_labels'] + 1
    results = SamplePrompt()(results)
    order = [results['phrase_labels'][label] for label in results['gt_bboxes_labels']]
    assert len(order) == len(labels)
    for value, name, box, mask in zip(
        values, order, results['gt_bboxes'].tensor, results['gt_masks'].masks, strict=True
    ):
        x1, y1, x2, y2 = (int(corner) for corner in box)
        assert (results['img'][y1:y2, x1:x2] == value).all()
        assert mask[y1:y2, x1:x2].all()
        assert mask.sum() == (x2 - x1) * (y2 - y1)
        if name != 'liver':
            assert side_of_box(box) == name.rpartition('_')[2]
            was = IDS[value - 1]
            assert (name != was) == results['flip']


def test_half_of_the_images_are_mirrored_and_twice_is_once():
    np.random.seed(0)
    flip = RandomSidedFlip(prob=0.5)
    mirrored = sum(flip(record(LEFT))['flip'] for _ in range(200))
    assert 70 < mirrored < 130
    always = RandomSidedFlip(prob=1.0)
    results = always(always(record(LEFT, RIGHT, LIVER)))
    assert results['gt_bboxes_labels'].tolist() == [LEFT, RIGHT, LIVER]
    assert results['gt_bboxes'].tensor.tolist() == [list(BOXES[i]) for i in (LEFT, RIGHT, LIVER)]
    assert results['sides_swapped'] is False


@pytest.mark.parametrize(
    'given',
    [
        pytest.param(record(LIVER, source='one-sided'), id='a-side-that-nobody-annotates'),
        pytest.param(record(GLAND, source='organs'), id='a-box-without-counterpart'),
        pytest.param(record(LEFT, view='sagittal'), id='sagittal'),
        pytest.param(record(LEFT, view='Lateral left'), id='lateral'),
    ],
)
def test_what_cannot_be_said_truly_stays(given):
    results = RandomSidedFlip(prob=1.0)(copy.deepcopy(given))
    assert results['flip'] is False
    assert np.array_equal(results['img'], given['img'])
    assert results['gt_bboxes_labels'].tolist() == given['gt_bboxes_labels'].tolist()


def grounding(caption, *phrases):
    given = record(*range(len(phrases)))
    spans = [[[caption.index(phrase), caption.index(phrase) + len(phrase)]] for phrase in phrases]
    return given | {
        'dataset_mode': 'VG',
        'caption': caption,
        'phrases': list(phrases),
        'tokens_positive': spans,
    }


def test_words_and_spans_of_a_caption_swap():
    given = grounding('Stone in the left kidney, cyst right of it.', 'left kidney', 'cyst right')
    results = SamplePrompt()(RandomSidedFlip(prob=1.0)(given))
    assert results['text'] == 'Stone in the right kidney, cyst left of it.'
    assert results['phrases'] == ['right kidney', 'cyst left']
    said = [
        ''.join(results['text'][start:end] for start, end in results['tokens_positive'][i])
        for i in (0, 1)
    ]
    assert said == results['phrases']
    assert results['gt_bboxes'].tensor[0].tolist() == [20, 2, 30, 12]


def test_a_caption_with_sides_in_letters_stays():
    given = grounding('Opacity in the RUL.', 'Opacity')
    assert RandomSidedFlip(prob=1.0)(given)['flip'] is False
    plain = grounding('A polyp.', 'polyp')
    assert RandomSidedFlip(prob=1.0)(plain)['flip'] is True


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
@pytest.mark.parametrize(
    ('given', 'fails'),
    [
        pytest.param(record(LEFT), True, id='labels'),
        pytest.param(grounding('The left kidney.', 'left kidney'), True, id='caption'),
        pytest.param(grounding('A polyp.', 'polyp'), False, id='without-sides'),
    ],
)
def test_a_plain_flip_is_refused_where_words_have_sides(given, fails, direction):
    results = RandomFlip(prob=1.0, direction=direction)(copy.deepcopy(given))
    if not fails:
        assert SamplePrompt()(results)['text'] == 'A polyp.'
        return
    with pytest.raises(ValueError, match=r"'case-7' was mirrored .* use RandomSidedFlip"):
        SamplePrompt()(results)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(dict(direction='diagonal'), 'direction must be one of', id='a-turn'),
        pytest.param(dict(prob=1.5), r'prob must be in \[0, 1\]', id='prob'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomSidedFlip(**arguments)


def test_annotations_come_first():
    given = record(LEFT)
    del given['gt_bboxes_labels']
    with pytest.raises(ValueError, match='put RandomSidedFlip after LoadAnnotations'):
        RandomSidedFlip()(given)


def test_sides_of_labels_and_of_groups():
    ontology = Ontology.default()
    assert other_side(ontology, 'liver') == 'liver'
    assert other_side(ontology, 'kidney_left') == 'kidney_right'
    for group in {g for label in ontology.labels for g in ontology.ancestors(label)}:
        assert other_side(ontology, other_side(ontology, group)) == group


@pytest.mark.parametrize('seed', range(20))
def test_words_that_place_a_label_are_of_the_side_it_is_on(seed):
    """The liver has no side in its name, but is the organ in the *right* upper abdomen."""
    np.random.seed(seed)
    results = SamplePrompt(wording='description')(RandomSidedFlip(prob=0.5)(record(LIVER)))
    placed = {side for text in results['text'] for side in ('left', 'right') if side in text}
    (label,) = results['gt_bboxes_labels']
    said = results['text'][label]
    side = side_of_box(results['gt_bboxes'].tensor[0])
    assert side == ('left' if results['flip'] else 'right')
    assert {'left': 'right', 'right': 'left'}[side] not in said
    assert placed or 'abdomen' not in said


def test_a_source_without_stated_modality_has_its_labels_too():
    """What nobody annotated would become a wrong negative, whatever an image is routed to."""
    vocabulary = Vocabulary(
        IDS, VOCABULARY.names, {('auto', 'one'): (LEFT,), ('ct', 'b'): (RIGHT,)}
    )
    before = record(LEFT, source='one', vocabulary=vocabulary)
    assert RandomSidedFlip(prob=1.0)(before)['flip'] is False
