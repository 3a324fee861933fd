import pytest
import torch

from mmdet_medglip.answers.hierarchy import confidences

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]


@pytest.mark.parametrize(
    ('combine', 'kidney'),
    [pytest.param('max', 0.5, id='max'), pytest.param('noisy_or', 0.7, id='noisy-or')],
)
def test_parents_that_were_not_asked_have_what_their_children_say(family, boxes, combine, kidney):
    asked = family('left kidney', 'right kidney')  # then kidney, abdomen
    found = boxes((0, 0.5, A), (1, 0.4, NEAR), (1, 0.3, A), (0, 0.2, FAR))
    # noisy-or of 0.5 and the better 0.4: 1 - 0.5 * 0.6.
    here = [0.5, 0.4, kidney, kidney]
    expected = torch.tensor([here, here, here, [0.2, 0, 0.2, 0.2]])
    torch.testing.assert_close(confidences(found, asked, 0.6, combine), expected)


def test_parents_that_were_asked_speak_for_themselves(family, boxes):
    asked = family('left kidney', 'kidney', 'ren', 'liver')  # then the class of the liver, abdomen
    found = boxes((0, 0.9, A), (2, 0.3, A), (3, 0.6, A), (0, 0.8, FAR))
    value = confidences(found, asked, 0.6)
    # 'ren' counts for the entry that represents it; the abdomen hears kidney 0.3 and liver 0.6.
    assert value[0].tolist() == pytest.approx([0.9, 0.3, 0.0, 0.6, 0.6, 0.6])
    assert value[3].tolist() == pytest.approx([0.8, 0.0, 0.0, 0.0, 0.0, 0.0])
    value = confidences(found, asked, 0.6, asked_alone=False)
    assert value[0].tolist() == pytest.approx([0.9, 0.9, 0.0, 0.6, 0.6, 0.9])


def test_no_boxes(family, boxes):
    assert confidences(boxes(), family('left kidney'), 0.6).shape == (0, 3)


def test_unknown_combination(family, boxes):
    with pytest.raises(ValueError, match=r"combine must be one of .*got 'sum'"):
        confidences(boxes(), family('liver'), 0.6, 'sum')
