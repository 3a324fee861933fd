import numpy as np
import pytest

from mmdet_medglip.evaluation.comparison import check_same_images, compare_parts
from mmdet_medglip.evaluation.measures import measure
from mmdet_medglip.evaluation.parts import whole

A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


@pytest.fixture
def run(make_image, make_results):
    """Results of a detector that finds some of the images' livers."""

    def make(found, turned=False):
        images = []
        for number in range(16):
            box = A if found(number) else FAR
            asked, phrase = ([1, 0], 1) if turned else ([0, 1], 0)
            modality = ('ct', 'mri')[number % 2]
            answers = [(phrase, 0.9, box)]
            images.append(make_image(f'{number:02}', modality, asked, answers, [(0, A)]))
        return make_results(*images)

    return make


def test_differences_are_those_of_the_measures(run):
    first, second = whole(run(lambda n: n < 4)), whole(run(lambda n: n < 14, turned=True))
    found = compare_parts(first, second, repeats=300)
    before, after = measure(first), measure(second)
    for name, one in found.items():
        assert one.first == pytest.approx(before[name]), name
        assert one.second == pytest.approx(after[name]), name
        assert one.low <= one.difference <= one.high
        assert max(one.p_bootstrap, one.p_swap) < 0.02, name
    assert set(found) == {
        *('coco/AP50', 'coco/macro_AP50'),
        *('phrase/Recall@1', 'phrase/SetF1@0.5'),
    }


def test_a_run_equals_itself_in_whatever_order_it_was_asked(run):
    runs = [whole(run(lambda n: n < 6, turned)) for turned in (False, True)]
    for one in compare_parts(*runs, repeats=50).values():
        assert (one.difference, one.low, one.high, one.p_swap) == (0, 0, 0, 1)


def test_same_images_in_other_words_and_order(make_image, make_results):
    truth = [(0, A), (1, B)]
    one = make_image('1', 'ct', [0, 1], truth=truth)
    other = make_image('1', 'ct', [1, 0], [(0, 0.5, A)], truth[::-1], phrases=('ren', 'hepar'))
    check_same_images(make_results(one), make_results(other))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'image_id': '2'}, "2 images .* only, such as '1'", id='images'),
        pytest.param({'modality': 'mri'}, "'1' has another modality", id='modality'),
        pytest.param({'patient_id': 'p'}, "'1' has another patient_id", id='patient'),
        pytest.param({'asked': np.array([0, 2])}, "'1' has another question", id='asked'),
        pytest.param({'gt_labels': np.array([1])}, "'1' has another truth", id='label'),
        pytest.param({'gt_ignore': np.array([True])}, "'1' has another truth", id='crowd'),
    ],
)
def test_other_images_cannot_be_compared(make_image, make_results, change, message):
    first = make_results(make_image('1', 'ct', [0, 1], truth=[(0, A)]))
    changes = {'image_id': '1', 'modality': 'ct', 'asked': [0, 1]} | change
    second = make_results(make_image(truth=[(0, A)], **changes))
    with pytest.raises(ValueError, match=f'{message}; test both on the same images'):
        check_same_images(first, second)


def test_other_classes_cannot_be_compared(make_results):
    with pytest.raises(ValueError, match='different classes'):
        check_same_images(make_results(), make_results(classes=('liver',)))
